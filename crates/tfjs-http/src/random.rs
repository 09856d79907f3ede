//! Numbers that nobody has had before.

/// A random number: the standard library keys its hashers with some.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    RandomState::new().build_hasher().finish()
}

/// A random number: on wasm32 the keys of the standard library are the same after each start.
#[cfg(target_arch = "wasm32")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what `Math.random` gives is below 1 and not below 0"
)]
pub(crate) fn random() -> u64 {
    let half = || (js_sys::Math::random() * f64::from(u32::MAX)) as u64;
    (half() << 32) | half()
}

#[cfg(test)]
mod tests {
    use super::random;

    #[test]
    fn no_two_are_alike() {
        assert_ne!(random(), random());
    }
}
