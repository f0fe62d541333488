//! What keeps a hash from holding a core until the kernel's next tick.
//!
//! A hash is 15 ms of pure computing that cannot be interrupted from within. Its thread has the lowest priority, yet
//! when a worker of the gateway wakes up on the same core, the kernel often lets the hash go on and decides again at its
//! next tick, 4 ms later on most servers: that was the 99th percentile of all heartbeats while somebody logged in. The
//! kernel also decides again whenever any thread wakes up on that core, so one does, in shorter steps
//! (docs/adr/0019).

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender};

/// A quarter of the usual tick. Twice as long leaves half of the gain, shorter gains nothing more.
const STEP: Duration = Duration::from_millis(1);

/// Threads, one on each core, that wake up once a millisecond while something is hashed and sleep otherwise. They end
/// when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Metronome {
    /// Hashes under way.
    hashing: Arc<AtomicUsize>,
    threads: Vec<Sender<()>>,
}

/// A hash under way; over when it is dropped, by a panic as well.
struct Beating<'a>(&'a AtomicUsize);

impl Metronome {
    /// For that many threads that hash. Does nothing where there are more cores than that: the price would be paid on each
    /// core, and a container may see many more than it may use. Nor where threads cannot be kept on a core.
    pub(super) fn start(hash_threads: usize) -> io::Result<Self> {
        let cores = cores();
        if cores.len() > hash_threads {
            return Ok(Self::default());
        }
        Self::on(cores, || crossbeam_channel::tick(STEP))
    }

    fn on<T: Send + 'static>(
        cores: impl IntoIterator<Item = Core>,
        ticks: impl Fn() -> Receiver<T>,
    ) -> io::Result<Self> {
        let mut metronome = Self::default();
        for core in cores {
            let (wake, woken) = crossbeam_channel::bounded(1);
            let (hashing, ticks) = (Arc::clone(&metronome.hashing), ticks());
            let name = format!("relive-beat-{}", metronome.threads.len());
            thread::Builder::new().name(name).spawn(move || {
                // On a core it was not meant for it would be of no use.
                if core.keep_to().is_ok() {
                    beat(&woken, &hashing, &ticks);
                }
            })?;
            metronome.threads.push(wake);
        }
        Ok(metronome)
    }

    /// Beats while that is done.
    pub(super) fn during(&self, hashing: impl FnOnce()) {
        if self.hashing.fetch_add(1, SeqCst) == 0 {
            for thread in &self.threads {
                // One that was told already will look.
                let _ = thread.try_send(());
            }
        }
        let _until_the_end = Beating(&self.hashing);
        hashing();
    }
}

impl Drop for Beating<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

fn beat<T>(woken: &Receiver<()>, hashing: &AtomicUsize, ticks: &Receiver<T>) {
    while woken.recv().is_ok() {
        while hashing.load(SeqCst) > 0 && ticks.recv().is_ok() {}
    }
}

#[cfg(target_os = "linux")]
use linux::{Core, cores};
#[cfg(not(target_os = "linux"))]
use nowhere::{Core, cores};

#[cfg(target_os = "linux")]
mod linux {
    use std::io;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// The number of a processor, as the kernel counts them.
    pub(super) struct Core(usize);

    impl Core {
        /// Keeps the calling thread on it.
        pub(super) fn keep_to(&self) -> io::Result<()> {
            let mut only = CpuSet::new();
            only.set(self.0);
            Ok(sched_setaffinity(None, &only)?)
        }
    }

    /// Those the calling thread may use; none if that is not known.
    pub(super) fn cores() -> Vec<Core> {
        let Ok(allowed) = sched_getaffinity(None) else { return Vec::new() };
        (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).map(Core).collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::io;

    pub(super) enum Core {}

    impl Core {
        pub(super) fn keep_to(&self) -> io::Result<()> {
            match *self {}
        }
    }

    pub(super) fn cores() -> Vec<Core> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks it waits for, of three, once it was told that something is hashed.
    fn taken(hashing: usize) -> usize {
        let ((wake, woken), (given, ticks)) = (crossbeam_channel::bounded(1), crossbeam_channel::bounded(3));
        wake.send(()).unwrap();
        for _ in 0..3 {
            given.send(()).unwrap();
        }
        drop((wake, given));
        beat(&woken, &AtomicUsize::new(hashing), &ticks);
        3 - ticks.len()
    }

    #[test]
    fn it_beats_while_something_is_hashed() {
        assert_eq!((taken(0), taken(1), taken(2)), (0, 3, 3));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn its_threads_wake_up_for_each_hash_and_end_with_it() {
        // A tick is given when somebody waits for it.
        let (given, taken) = crossbeam_channel::bounded(0);
        let metronome = Metronome::on(cores().into_iter().take(1), || taken.clone()).unwrap();
        drop(taken);
        let beats = || (0..10).for_each(|_| given.send_timeout((), Duration::from_mins(1)).unwrap());
        for _ in 0..3 {
            metronome.during(|| {
                metronome.during(beats);
                beats();
            });
            let late = (0..1_000).filter(|_| given.try_send(()).is_ok()).count();
            assert!(late <= 1, "only what was waited for already");
        }
        assert!(threads().any(|(name, cores)| name == "relive-beat-0" && cores.parse::<usize>().is_ok()));
        drop(metronome);
        while given.send(()).is_ok() {}
    }

    /// The threads of this process, and the cores they are kept on.
    #[cfg(target_os = "linux")]
    fn threads() -> impl Iterator<Item = (String, String)> {
        std::fs::read_dir("/proc/self/task").unwrap().filter_map(|thread| {
            let status = std::fs::read_to_string(thread.unwrap().path().join("status")).ok()?;
            let value = |name: &str| Some(status.split_once(name)?.1.lines().next()?.trim().to_owned());
            Some((value("Name:")?, value("Cpus_allowed_list:")?))
        })
    }

    #[test]
    fn it_does_nothing_where_there_are_more_cores() {
        let cores = cores().len();
        assert_eq!(Metronome::start(cores).unwrap().threads.len(), cores);
        assert_eq!(Metronome::start(cores.saturating_sub(1)).unwrap().threads.len(), 0);
    }
}
