//! How many durable puts a second: `document_rate <directory> <writers> <seconds>`. Each writer has 64 puts of 200 bytes under way.

use bytes::Bytes;
use relay_core::documents::{Change, DocumentStore, Keyspace, Tenant, write};
use relay_core::testing::{SeededEntropy, SetClock};
use relay_store::documents::{DocumentOptions, EmbeddedDocuments};
use relay_store::real_environment;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const IN_FLIGHT: u64 = 64;
const VALUE: Bytes = Bytes::from_static(&[7; 200]);

#[allow(clippy::print_stdout, reason = "a measurement says what it measured")]
fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("a directory");
    let mut number = || args.next().and_then(|text| text.parse::<u64>().ok()).expect("a number");
    let (writers, seconds) = (number(), number());
    let environment = real_environment(Arc::new(SeededEntropy::new(1)), Arc::new(SetClock::default()));
    let store = Arc::new(EmbeddedDocuments::open(&DocumentOptions::new(Path::new(&dir)), environment).expect("opens"));
    let end = Instant::now() + Duration::from_secs(seconds);
    let threads: Vec<_> = (0..writers)
        .map(|writer| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || {
                let done = Arc::new(AtomicU64::new(0));
                let mut begun = 0;
                while Instant::now() < end {
                    if begun - done.load(Ordering::Acquire) >= IN_FLIGHT {
                        std::thread::sleep(Duration::from_micros(100));
                        continue;
                    }
                    begun += 1;
                    let key =
                        Bytes::from(format!("soul/{writer}/{}", begun.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1_000_000));
                    let (at, done) = (Keyspace { system: 0, tenant: Tenant::ONLY }, Arc::clone(&done));
                    let told = Box::new(move |result: Result<_, _>| {
                        result.expect("a put is durable");
                        done.fetch_add(1, Ordering::Release);
                    });
                    write(&*store, at, vec![Change::Put(key, VALUE)], told);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("a writer ends"));
    let stats = store.document_stats();
    store.close();
    println!(
        "{} durable puts/s, {:.1} puts per sync, {} syncs/s, {:.2} journal bytes per byte",
        stats.works / seconds,
        stats.works as f64 / stats.groups.max(1) as f64,
        stats.groups / seconds,
        stats.written_bytes as f64 / stats.changed_bytes.max(1) as f64
    );
}
