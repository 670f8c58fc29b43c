//! What is measured of pushes: how they ended, and how long the good ones took.

mod support;

use support::{Cast, World};

fn ready() -> (World, Cast) {
    let (world, cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    (world, cast)
}

#[test]
fn each_push_over_a_websocket_is_measured_with_its_outcome() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    for n in 1..=3 {
        world.push(a, n, &[&n.to_string()]);
        world.receipt(a);
    }
    world.push(a, 9, &["a gap"]);
    world.error(a);
    let pushes = world.relay.websocket_pushes();
    assert_eq!(pushes.ok.count(), 3);
    assert_eq!((pushes.client_errors, pushes.relay_errors), (1, 0));
}

#[test]
fn the_duration_is_from_the_arrival_to_the_receipt() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    let before = world.relay.websocket_pushes();
    assert_eq!((before.ok.micros, before.ok.count()), (0, 0));
    world.store.pause();
    world.push(a, 1, &["1"]);
    world.jump(250);
    world.store.resume();
    world.settle();
    world.receipt(a);
    let pushes = world.relay.websocket_pushes();
    assert_eq!((pushes.ok.micros, pushes.ok.count()), (250_000, 1));
}
