//! Wake-ups held back while one thread answers many at once. On a busy core whoever is woken runs at once: woken by the first
//! answer it finds that one alone, sleeps again, and is woken by the next. Woken once, it finds all of them.

use std::cell::RefCell;
use std::sync::Arc;

/// Something that sleeps until it is woken.
pub trait Sleeper: Send + Sync {
    /// Wakes it; called once for all wake-ups that were held back together.
    fn wake_held(&self);
}

thread_local! {
    /// What is to be woken by this thread, as many as there are sleepers; none while nothing is held back.
    static HELD: RefCell<Option<Vec<Arc<dyn Sleeper>>>> = const { RefCell::new(None) };
}

/// Ends the holding back, also when it is left by a panic.
struct Holding;

impl Drop for Holding {
    fn drop(&mut self) {
        let held = HELD.with_borrow_mut(Option::take);
        held.into_iter().flatten().for_each(|sleeper| sleeper.wake_held());
    }
}

/// Runs something that wakes many, and wakes them when it is done. Within itself it does nothing more.
pub fn together<T>(run: impl FnOnce() -> T) -> T {
    let is_held = HELD.with_borrow(Option::is_some);
    let _holding = (!is_held).then(|| {
        HELD.set(Some(Vec::new()));
        Holding
    });
    run()
}

/// Wakes a sleeper, or notes it where this thread holds wake-ups back.
pub fn wake<S: Sleeper + 'static>(sleeper: &Arc<S>) {
    let is_held = HELD.with_borrow_mut(|held| {
        let Some(held) = held else { return false };
        if !held.iter().any(|other| std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(sleeper))) {
            let sleeper: Arc<dyn Sleeper> = Arc::<S>::clone(sleeper);
            held.push(sleeper);
        }
        true
    });
    if !is_held {
        sleeper.wake_held();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Sleeper for Count {
        fn wake_held(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Count {
        fn get(&self) -> u32 {
            self.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn each_sleeper_is_woken_once_when_all_is_said() {
        let (one, two) = (Arc::<Count>::default(), Arc::<Count>::default());
        together(|| {
            together(|| (0..3).for_each(|_| wake(&one)));
            wake(&two);
            wake(&one);
            assert_eq!((one.get(), two.get()), (0, 0), "also not at the end of what is within");
        });
        assert_eq!((one.get(), two.get()), (1, 1));
        wake(&one);
        assert_eq!(one.get(), 2, "at once where nothing is held back");
    }

    #[test]
    fn nobody_sleeps_on_because_of_a_panic() {
        let one = Arc::<Count>::default();
        let panicked = std::panic::catch_unwind(|| {
            together(|| {
                wake(&one);
                panic!("on purpose");
            });
        });
        assert!(panicked.is_err());
        assert_eq!(one.get(), 1);
    }
}
