//! CPU time of a process, from `/proc`; zero where there is none.

use crate::number::to_f64;

/// Ticks per second in `/proc/<pid>/stat`; fixed by the kernel's interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system seconds of a process and its children (PostgreSQL has one per connection), all threads together.
pub(crate) fn tree_cpu_seconds(pid: u32) -> f64 {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let pids = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    pids.map(cpu_seconds).sum::<f64>() + cpu_seconds(pid)
}

/// User and system seconds of a process, all threads together, those that ended included.
fn cpu_seconds(pid: u32) -> f64 {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(|stat| parse_stat(&stat)).unwrap_or(0.0)
}

/// The same of this process.
pub(crate) fn own_cpu_seconds() -> f64 {
    cpu_seconds(std::process::id())
}

/// Fields 14 and 15; the second field is a name that may hold anything, so counting starts behind its bracket.
fn parse_stat(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(to_f64(user.checked_add(system)?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        let stat = "12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0";
        assert_eq!(parse_stat(stat), Some(2.0));
        assert_eq!(parse_stat("12 (cut) S 1"), None);
    }
}
