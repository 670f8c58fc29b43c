use super::*;
use crate::conformance::{self, Harness};
use crate::testing::{SeededEntropy, SetClock, TestSigner};

struct MemoryHarness {
    store: Arc<MemoryStore>,
    clock: Arc<SetClock>,
}

impl MemoryHarness {
    fn make() -> Box<dyn Harness> {
        let clock = Arc::new(SetClock::default());
        let parts = MemoryStoreParts {
            signer: Arc::new(TestSigner::new(200)),
            entropy: Arc::new(SeededEntropy::new(1)),
            wall_clock: Arc::clone(&clock) as Arc<dyn WallClock>,
        };
        Box::new(Self { store: Arc::new(MemoryStore::new(parts)), clock })
    }
}

impl Harness for MemoryHarness {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    fn clock(&self) -> &SetClock {
        &self.clock
    }

    fn break_disk(&self) -> bool {
        self.store.poison();
        true
    }

    fn fill_disk(&self, full: bool) -> bool {
        self.store.set_disk_full(full);
        true
    }

    fn restore_backup(&self, size: u64) -> Option<Arc<dyn Store>> {
        self.store.restore_backup(size);
        Some(self.store())
    }
}

#[test]
fn keeps_the_contract() {
    conformance::run(&MemoryHarness::make);
}
