//! A store that answers as Google Cloud Storage does. The tests of tfjs-object-store have it in their own process, and the program
//! `object-store-server` serves it to others.
#![forbid(unsafe_code)]

pub mod google;
