//! On what was measured: without it no number means anything.

use std::env::consts::{ARCH, OS};
use std::fmt;
use std::fs;

use anyhow::Result;
use xshell::cmd;

use crate::oracle::Oracle;
use crate::project::Project;

pub(super) struct Machine {
    processor: String,
    cores: usize,
    /// Of the last level, as the kernel prints it; None where it does not tell.
    cache: Option<String>,
    memory_gib: Option<u64>,
    system: String,
    rustc: String,
    node: String,
    tfjs: String,
}

impl Machine {
    pub(super) fn describe(project: &Project, oracle: &Oracle<'_>) -> Result<Self> {
        let sh = &project.sh;
        // Linux tells in files. Elsewhere the names are missing, the benchmarks still run.
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cache = file("/sys/devices/system/cpu/cpu0/cache/index3/size").trim().to_owned();
        Ok(Self {
            processor: processor(&file("/proc/cpuinfo")).unwrap_or_else(|| "unknown processor".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cache: Some(cache).filter(|size| !size.is_empty()),
            memory_gib: memory_gib(&file("/proc/meminfo")),
            system: system(&file("/etc/os-release")).unwrap_or_else(|| OS.to_owned()),
            rustc: cmd!(sh, "rustc --version").quiet().read()?,
            node: cmd!(sh, "node --version").quiet().read()?,
            tfjs: oracle.version()?,
        })
    }
}

/// The first `model name` of /proc/cpuinfo; Arm kernels print none.
fn processor(cpuinfo: &str) -> Option<String> {
    let (_, name) = cpuinfo.lines().find(|line| line.starts_with("model name"))?.split_once(':')?;
    Some(name.trim().to_owned())
}

/// `MemTotal` of /proc/meminfo, to the nearest GiB.
fn memory_gib(meminfo: &str) -> Option<u64> {
    let kib = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix(" kB")?;
    kib.parse::<u64>().ok().map(|kib| (kib + (1 << 19)) >> 20)
}

/// `PRETTY_NAME` of /etc/os-release.
fn system(os_release: &str) -> Option<String> {
    let name = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({ARCH}), {} cores", self.processor, self.cores)?;
        if let Some(cache) = &self.cache {
            write!(f, ", last cache {cache}")?;
        }
        if let Some(memory) = self.memory_gib {
            write!(f, ", {memory} GiB of memory")?;
        }
        write!(f, "; {}; {}; Node {}, TensorFlow.js {}", self.system, self.rustc, self.node, self.tfjs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_tells() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu\nprocessor\t: 1\nmodel name\t: other\n";
        assert_eq!(processor(cpuinfo).as_deref(), Some("AMD EPYC"));
        assert_eq!(memory_gib("MemTotal:       24567890 kB\nMemFree: 1 kB\n"), Some(23));
        assert_eq!(system("NAME=x\nPRETTY_NAME=\"Debian 12\"\n").as_deref(), Some("Debian 12"));
    }

    #[test]
    fn what_it_does_not_tell_is_left_out() {
        assert_eq!((processor(""), memory_gib(""), system("")), (None, None, None));
    }
}
