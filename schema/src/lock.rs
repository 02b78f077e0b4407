//! One at a time writes into a project's folders.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The right to write into migration folders, until it is dropped.
///
/// Which version is next, and what a journal says, is read before it is written: two that do so at the same moment would take
/// one version twice, or lose an entry of a journal. The operating system holds the lock (`flock`, on the folder in which each of
/// them stands) and lets go of it where a process ends, however it does. Where folders cannot be locked (Windows) nothing
/// is held.
#[derive(Debug)]
pub struct WriteLock {
    _held: Vec<File>,
}

impl WriteLock {
    /// Waits for it as long as another has it; `waits` is told of each folder that is waited for.
    ///
    /// # Errors
    ///
    /// A folder that cannot be opened, or not locked.
    pub fn take<'a>(folders: impl Iterator<Item = &'a Path>, mut waits: impl FnMut(&Path)) -> io::Result<Self> {
        let mut held = Vec::new();
        if cfg!(unix) {
            // In one order, so that no two wait for each other.
            let mut places = folders.map(place).collect::<io::Result<Vec<_>>>()?;
            places.sort_unstable();
            places.dedup();
            for place in places {
                held.push(locked(&place, &mut waits)?);
            }
        }
        Ok(Self { _held: held })
    }
}

/// The folder that a folder stands in: it is there before its first migration is, as a rule.
fn place(folder: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(folder)?;
    let there = absolute.ancestors().skip(1).find(|ancestor| ancestor.is_dir());
    there.unwrap_or(Path::new("/")).canonicalize()
}

fn locked(place: &Path, waits: &mut impl FnMut(&Path)) -> io::Result<File> {
    let file = File::open(place)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => waits(place),
        // Some file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(file),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    file.lock()?;
    Ok(file)
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::expect_used, reason = "a test may stop where it fails")]

    use std::sync::mpsc;

    use super::*;

    #[test]
    fn one_waits_for_the_other() {
        let root = tempfile::tempdir().expect("a folder");
        let folders = [root.path().join("a"), root.path().join("b")];
        let take = |folders: &[PathBuf], told: &mut usize| {
            WriteLock::take(folders.iter().map(PathBuf::as_path), |_| *told += 1).expect("it is had")
        };
        let mut told = 0;
        let first = take(&folders, &mut told);
        assert_eq!(told, 0, "both folders stand in one");
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                let waits = |_: &Path| sender.send("waits").expect("somebody listens");
                let lock = WriteLock::take([&*folders[1]].into_iter(), waits).expect("it is had");
                sender.send("has it").expect("somebody listens");
                drop(lock);
            });
            assert_eq!(receiver.recv(), Ok("waits"));
            assert!(receiver.try_recv().is_err(), "the first has it");
            drop(first);
            assert_eq!(receiver.recv(), Ok("has it"));
            second.join().expect("it ends");
        });
        take(&folders, &mut told);
        assert_eq!(told, 0);
    }
}
