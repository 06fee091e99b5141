//! The directory of a playground.
//!
//! ```text
//! lock             held by the playground
//! playground.json  the nodes
//! control          the socket that `status`, `kill` and so on talk to
//! log/store1.log   what a node says
//! store1/          its data directory
//! ```

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::args::Place;
use super::plan::Plan;

/// The playground without a name.
const DEFAULT_TAG: &str = "default";
const LOCK: &str = "lock";
const PLAN: &str = "playground.json";
const CONTROL: &str = "control";

/// The directory of a playground, which is this process's as long as it has this.
pub(super) struct Home {
    dir: PathBuf,
    is_kept: bool,
    /// Gives the directory back when the process ends.
    _lock: File,
}

/// Where a playground is, and whether it is kept when it ends.
pub(super) fn locate(place: &Place, home: Option<OsString>) -> anyhow::Result<(PathBuf, bool)> {
    if let Some(dir) = &place.dir {
        let dir = std::path::absolute(dir).with_context(|| format!("--dir {}", dir.display()))?;
        if dir.to_str().is_none() {
            bail!("--dir {}: it must be valid UTF-8", dir.display());
        }
        return Ok((dir, true));
    }
    let tag = place.tag.as_deref().unwrap_or(DEFAULT_TAG);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if tag.is_empty() || tag.starts_with('.') || !tag.chars().all(is_name) {
        bail!("--tag {tag}: a name has letters, digits, '-', '_' and '.'");
    }
    let home = home.filter(|home| !home.is_empty()).context("HOME is not set: say --dir DIR")?;
    let dir = Path::new(&home).join(".troupe").join("playground").join(tag);
    if dir.to_str().is_none() {
        bail!("HOME is not valid UTF-8: say --dir DIR");
    }
    Ok((dir, place.tag.is_some()))
}

/// The admin endpoints of the nodes of a playground, whether it runs or not.
pub(in crate::cli) fn admin_endpoints(
    place: &Place,
    home: Option<OsString>,
) -> anyhow::Result<Vec<String>> {
    let (dir, _) = locate(place, home)?;
    let endpoints = planned(&dir);
    if endpoints.is_empty() {
        bail!("there is no playground in {}", dir.display());
    }
    Ok(endpoints)
}

/// Those of all playgrounds in the home directory.
pub(in crate::cli) fn all_admin_endpoints(home: Option<OsString>) -> Vec<String> {
    let Some(home) = home.filter(|home| !home.is_empty()) else { return Vec::new() };
    let all = Path::new(&home).join(".troupe").join("playground");
    let dirs = fs::read_dir(all).into_iter().flatten().filter_map(Result::ok);
    let mut dirs: Vec<PathBuf> = dirs.map(|entry| entry.path()).collect();
    dirs.sort();
    // Of one that does not run there is no socket.
    dirs.retain(|dir| control(dir).exists());
    dirs.iter().flat_map(|dir| planned(dir)).collect()
}

fn planned(dir: &Path) -> Vec<String> {
    let plan = fs::read(dir.join(PLAN)).ok();
    let plan: Option<Plan> = plan.and_then(|text| serde_json::from_slice(&text).ok());
    let nodes = plan.map(|plan| plan.nodes).unwrap_or_default();
    nodes.into_iter().map(|node| format!("http://{}", node.admin)).collect()
}

/// The socket of the playground in a directory.
pub(super) fn control(dir: &Path) -> PathBuf {
    dir.join(CONTROL)
}

impl Home {
    /// Takes the directory, which nobody else may use. What a playground without a name has left is cleared away.
    pub(super) fn take(dir: PathBuf, is_kept: bool) -> anyhow::Result<Home> {
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let ours = dir.join(LOCK).exists();
        let mut others = fs::read_dir(&dir).with_context(|| format!("{}", dir.display()))?;
        if !ours && others.next().is_some() {
            bail!("{} is not empty, and not a playground's", dir.display());
        }
        let lock = File::create(dir.join(LOCK))
            .with_context(|| format!("cannot write to {}", dir.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "a playground runs in {} already: see `troupe playground status`, or name another with --tag",
                    dir.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", dir.display()));
            }
        }
        let home = Home { dir, is_kept, _lock: lock };
        if !is_kept {
            home.clear()?;
        }
        fs::create_dir_all(home.dir.join("log"))?;
        if let Err(error) = fs::remove_file(control(&home.dir))
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error).context("cannot remove the socket of an earlier playground");
        }
        Ok(home)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// The nodes of an earlier life of this playground.
    pub(super) fn load(&self) -> anyhow::Result<Option<Plan>> {
        let path = self.dir.join(PLAN);
        match fs::read(&path) {
            Ok(text) => {
                let plan = serde_json::from_slice(&text);
                Ok(Some(plan.with_context(|| format!("{} is damaged", path.display()))?))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    pub(super) fn save(&self, plan: &Plan) -> anyhow::Result<()> {
        let path = self.dir.join(PLAN);
        let text = serde_json::to_vec_pretty(plan)?;
        let new = path.with_extension("new");
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// After a clean end: nothing is left of a playground that is not kept.
    pub(super) fn leave(self) -> anyhow::Result<()> {
        let _ = fs::remove_file(control(&self.dir));
        if !self.is_kept {
            self.clear()?;
        }
        Ok(())
    }

    /// Removes everything but the lock, which others may be waiting for.
    fn clear(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let path = entry.path();
            let removed = match (entry.file_name() == LOCK, entry.file_type()?.is_dir()) {
                (true, _) => Ok(()),
                (false, true) => fs::remove_dir_all(&path),
                (false, false) => fs::remove_file(&path),
            };
            removed.with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}
