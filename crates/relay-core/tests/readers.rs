//! What an operator may see of open subscriptions: who is how far behind, and nothing of what they read.

mod support;

use relay_core::relay::{OpenInSpace, SlowestReaders};
use support::{Cast, World};

/// Sessions of a and b that take feeds, as over a WebSocket, and one that does not; all but the last subscribe.
fn reading() -> (World, Cast, [usize; 3]) {
    let (mut world, cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    // Every second connection of this world takes feeds.
    let (a, over_http, b) =
        (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.r), world.open(&cast.space, &cast.b));
    world.subscribe(a, 0, false);
    world.subscribe(b, 0, false);
    world.settle();
    (world, cast, [a, over_http, b])
}

fn slowest(world: &World, count: usize) -> SlowestReaders {
    world.relay.slowest_readers(count, |_| None)
}

#[test]
fn who_does_not_take_what_is_sent_falls_behind_and_is_named_first() {
    let (mut world, cast, [a, _, b]) = reading();
    let quiet = slowest(&world, 10);
    assert_eq!((quiet.readers.len(), quiet.scanned, quiet.is_whole), (0, 2, true), "nobody is behind");
    world.connections[b].queue.window_bytes = 0;
    for n in 1..=3 {
        world.push(a, n, &["entry"]);
        world.settle();
    }
    let behind = slowest(&world, 10).readers;
    let of_b: Vec<_> = behind.iter().filter(|reader| reader.device == cast.b.device()).collect();
    assert_eq!(of_b.len(), 1);
    assert_eq!((of_b[0].space, of_b[0].cursor, of_b[0].lag), (cast.space.root.space(), 0, 3));
    assert_eq!(behind[0].device, cast.b.device(), "the slowest first");
    assert_eq!(slowest(&world, 1).readers.len(), 1, "as many as were asked for");
}

#[test]
fn a_log_that_is_longer_than_what_was_announced_counts() {
    let (world, cast, _) = reading();
    let known = world.relay.slowest_readers(10, |space| (space == cast.space.root.space()).then_some(7));
    assert_eq!(known.readers.iter().map(|reader| reader.lag).collect::<Vec<_>>(), [7, 7]);
}

#[test]
fn what_is_open_of_a_space_is_counted_over_every_transport() {
    let (mut world, cast, [a, _, b]) = reading();
    let open = world.relay.open_in(cast.space.root.space(), Some(5));
    assert_eq!((open.sessions, open.readers.len()), (3, 2));
    assert!(open.readers.iter().all(|reader| reader.lag == 5));
    world.hang_up(a);
    world.hang_up(b);
    let left = world.relay.open_in(cast.space.root.space(), None);
    assert_eq!((left.sessions, left.readers.len()), (1, 0));
    world.hang_up(1);
    assert_eq!(world.relay.open_in(cast.space.root.space(), None), OpenInSpace::default());
}
