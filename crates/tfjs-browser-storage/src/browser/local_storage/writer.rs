//! Who may write to localStorage: one page of the site at a time.
//!
//! A page sees what another has written a little later, and browsers do not tell when. Were the lock free at once, two pages would write
//! half a model each, and a removal would miss what it does not see yet. So a page keeps the lock for a moment after its last write, and uses it
//! again itself meanwhile; but not for ever, since others wait.

use std::cell::RefCell;
use std::time::Duration;

use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen_futures::spawn_local;

use crate::locks::{Lock, Locks};
use crate::timer::sleep;

/// How long what a page has written may be on its way to others.
pub(super) const SETTLING: Duration = Duration::from_millis(300);

/// How often a page uses its lock before it lets others go first: at most all [`SETTLING`], it has it for 12 seconds.
const TURN: u32 = 40;

/// How long to wait for the lock before looking whether this page has got it meanwhile, and how often.
const STEP: Duration = Duration::from_millis(500);
const STEPS: u32 = 40;

/// What the writers of this page share. Each writes in one go, so they do not disturb each other.
#[derive(Default)]
struct Page {
    /// The lock, and how often it has been used.
    held: Option<(Lock, u32)>,
    writers: u32,
    /// Another number whenever a writer comes or goes.
    changes: u32,
}

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

/// The right to write.
#[derive(Debug)]
pub(super) struct Writer {
    /// Not in a browser without locks, or on a page that does not come over HTTPS or from localhost.
    has_lock: bool,
}

impl Writer {
    /// Waits for the page that writes now.
    pub(super) async fn new() -> Result<Self, Error> {
        let Some(locks) = Locks::get()? else { return Ok(Self { has_lock: false }) };
        let mut steps = 1..STEPS;
        loop {
            if PAGE.with_borrow_mut(Page::begin) {
                return Ok(Self { has_lock: true });
            }
            match locks.exclusive("tfjs-io localstorage", STEP).await {
                Ok(lock) => PAGE.with_borrow_mut(|page| page.held = Some((lock, 0))),
                Err(error) if error.kind() == ErrorKind::Timeout && steps.next().is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.has_lock {
            return;
        }
        let changes = PAGE.with_borrow_mut(|page| {
            page.writers -= 1;
            page.change()
        });
        spawn_local(async move {
            sleep(SETTLING).await;
            PAGE.with_borrow_mut(|page| {
                if page.changes == changes && page.writers == 0 {
                    page.held = None;
                }
            });
        });
    }
}

impl Page {
    /// One more writer, if this page may write.
    fn begin(&mut self) -> bool {
        match &mut self.held {
            Some((_, uses)) if *uses < TURN => *uses += 1,
            _ => return false,
        }
        self.writers += 1;
        self.change();
        true
    }

    fn change(&mut self) -> u32 {
        self.changes = self.changes.wrapping_add(1);
        self.changes
    }
}
