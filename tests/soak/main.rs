//! Kills processes that save models, again and again, and looks at what they leave behind.
//!
//! `soak run FOLDER KILLS` starts itself as `soak save FOLDER SEED`, several at once, kills them with a signal that cannot be caught after a
//! few milliseconds, and loads: it must find a whole model each time, also while they save. A model is whole if its JSON and all
//! of its bytes name the same number. Every few kills it saves a model itself; then nothing that a dead process left may be there any more.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it tells xtask what it has seen")]

mod numbered;
mod place;

use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use place::Place;

/// After how many kills the leftovers are looked at.
const ROUND: usize = 10;

/// The longest life of a process: long enough for several saves.
const LONGEST: Duration = Duration::from_millis(40);

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["save", folder, seed] => save(Path::new(folder), seed),
        ["run", folder, kills] => run(Path::new(folder), kills),
        _ => Err("usage: soak run FOLDER KILLS".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Saves until somebody ends it, or until nobody is there any more who would.
fn save(folder: &Path, seed: &str) -> Result<(), String> {
    thread::spawn(|| {
        // Ends when the other process does, which holds the other end.
        let _ended = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
    let place = Place::new(folder);
    let first: u32 = seed.parse().map_err(|error| format!("the seed {seed}: {error}"))?;
    (first..).try_for_each(|number| place.change(number))
}

fn run(folder: &Path, kills: &str) -> Result<(), String> {
    let kills: usize = kills.parse().map_err(|error| format!("the number of kills {kills}: {error}"))?;
    let place = Place::new(folder);
    place.begin()?;
    let mut random = Random::new();
    let (mut loads, mut done) = (0, 0);
    while done < kills {
        let mut writers = (0..=random.below(3))
            .map(|_| start(folder, random.below(1 << 24)))
            .collect::<io::Result<Vec<_>>>()
            .map_err(|error| format!("starting a process: {error}"))?;
        // What it finds while they save is whole, too.
        let life = LONGEST * random.below(100) / 100;
        let begin = SystemTime::now();
        while begin.elapsed().is_ok_and(|elapsed| elapsed < life) {
            place.check().map_err(|error| format!("after {done} kills, while others save: {error}"))?;
            loads += 1;
        }
        for writer in &mut writers {
            kill(writer)?;
        }
        done += writers.len();
        place.check().map_err(|error| format!("after {done} kills: {error}"))?;
        loads += 1;
        if (done / ROUND) != (done - writers.len()) / ROUND {
            place.tidy().map_err(|error| format!("after {done} kills: {error}"))?;
        }
    }
    place.tidy()?;
    println!("soak: {done} kills survived, {loads} loads found a whole model");
    Ok(())
}

fn start(folder: &Path, seed: u32) -> io::Result<Child> {
    let program = std::env::current_exe()?;
    Command::new(program).arg("save").arg(folder).arg(seed.to_string()).stdin(Stdio::piped()).spawn()
}

/// `Child::kill` is SIGKILL. A process that ended by itself has failed to save.
fn kill(writer: &mut Child) -> Result<(), String> {
    let ended = writer.try_wait().map_err(|error| format!("waiting for a process: {error}"))?;
    if let Some(status) = ended {
        return Err(format!("a process that saves ended by itself: {status}"));
    }
    writer.kill().and_then(|()| writer.wait()).map_err(|error| format!("killing a process: {error}"))?;
    thread::yield_now();
    Ok(())
}

/// Numbers that differ from run to run.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::from(since.subsec_nanos()));
        // Not zero, where it would stay.
        Self(now | 1 << 40)
    }

    /// A number below this one.
    fn below(&mut self, limit: u32) -> u32 {
        // Xorshift, of Marsaglia.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 32) % u64::from(limit)).unwrap_or_default()
    }
}
