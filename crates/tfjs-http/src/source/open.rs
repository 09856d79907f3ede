//! Answers that are left open for reads to come: few, because a browser has six connections for a server, and what is asked
//! beyond would wait for ever.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::State;

/// How many answers a page leaves open, whatever files they are of.
const MOST: usize = 2;

thread_local! {
    /// The files that have left one open last.
    static OPEN: RefCell<VecDeque<Weak<Mutex<State>>>> = RefCell::default();
}

/// Notes that a file has left an answer open, and lets go of the one that was left longest ago if there are too many.
pub(super) fn note(state: &Arc<Mutex<State>>) {
    let this = Arc::downgrade(state);
    let surplus = OPEN.with_borrow_mut(|open| {
        open.retain(|other| !other.ptr_eq(&this));
        open.push_back(this);
        if open.len() > MOST { open.pop_front() } else { None }
    });
    if let Some(state) = surplus.and_then(|state| state.upgrade()) {
        state.lock().unwrap_or_else(PoisonError::into_inner).cursor = None;
    }
}
