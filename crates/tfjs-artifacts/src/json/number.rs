//! Numbers as JavaScript reads and prints them; where there is a JavaScript engine, it does both, so that a download has no
//! tables of powers of ten.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub(crate) use self::by_the_engine::{parse, print};
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub(crate) use self::without_an_engine::{parse, print};

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
mod without_an_engine {
    /// The value of a JSON number; infinite where JavaScript's is.
    pub(crate) fn parse(text: &str) -> Option<f64> {
        text.parse().ok()
    }

    /// Prints a finite number: shortest form, `-0` as `0`.
    pub(crate) fn print(value: f64, out: &mut String) {
        out.push_str(ryu_js::Buffer::new().format_finite(value));
    }
}

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod by_the_engine {
    use js_sys::{JsString, Number};

    /// The value of a JSON number; infinite where JavaScript's is.
    pub(crate) fn parse(text: &str) -> Option<f64> {
        // Most numbers of models need no call.
        if let Ok(small) = text.parse::<u32>() {
            return Some(small.into());
        }
        Some(js_sys::parse_float(text)).filter(|value| !value.is_nan())
    }

    /// Prints a finite number: shortest form, `-0` as `0`.
    pub(crate) fn print(value: f64, out: &mut String) {
        let decimal = 10;
        // The engine refuses other bases only.
        let printed = Number::from(value).to_string_with_radix(decimal).unwrap_or_else(|_| JsString::from("null"));
        out.push_str(&String::from(printed));
    }
}
