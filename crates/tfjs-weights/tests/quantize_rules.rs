//! Which weights are quantized to what: the patterns of Python's `fnmatch`, and the rules of the converter.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use tfjs_weights::{QuantizationRule, QuantizationRuleError, QuantizationRules, QuantizeTo};

/// Names that every pattern is tried on.
const NAMES: [&str; 26] = [
    "",
    "a",
    "b",
    "ab",
    "a/b",
    "conv/1/kernel",
    "conv2/kernel:0",
    "dense/bias",
    "A",
    "a.b",
    "[a",
    "[",
    "]",
    "-",
    "!",
    "^",
    "é",
    "a\nb",
    "abab",
    "aab",
    "\\",
    "z",
    "[]",
    "c",
    "&",
    "|",
];

/// What `[name for name in NAMES if fnmatch.fnmatchcase(name, pattern)]` is in Python 3.11, for each pattern.
const MATCHES: [(&str, &[&str]); 76] = [
    ("", &[""]),
    ("*", &NAMES),
    ("?", &["a", "b", "A", "[", "]", "-", "!", "^", "é", "\\", "z", "c", "&", "|"]),
    ("??", &["ab", "[a", "[]"]),
    ("a", &["a"]),
    ("A", &["A"]),
    ("a*", &["a", "ab", "a/b", "a.b", "a\nb", "abab", "aab"]),
    ("*b", &["b", "ab", "a/b", "a.b", "a\nb", "abab", "aab"]),
    ("*a*", &["a", "ab", "a/b", "dense/bias", "a.b", "[a", "a\nb", "abab", "aab"]),
    ("a?b", &["a/b", "a.b", "a\nb", "aab"]),
    ("**", &NAMES),
    ("*/*", &["a/b", "conv/1/kernel", "conv2/kernel:0", "dense/bias"]),
    ("conv*/kernel*", &["conv/1/kernel", "conv2/kernel:0"]),
    ("*/kernel", &["conv/1/kernel"]),
    ("conv/?/kernel", &["conv/1/kernel"]),
    ("*:0", &["conv2/kernel:0"]),
    ("[ab]", &["a", "b"]),
    ("[!ab]", &["A", "[", "]", "-", "!", "^", "é", "\\", "z", "c", "&", "|"]),
    ("[a-c]", &["a", "b", "c"]),
    ("[!a-c]", &["A", "[", "]", "-", "!", "^", "é", "\\", "z", "&", "|"]),
    ("[^a]", &["a", "^"]),
    ("[!^a]", &["b", "A", "[", "]", "-", "!", "é", "\\", "z", "c", "&", "|"]),
    ("[]]", &["]"]),
    ("[!]]", &["a", "b", "A", "[", "-", "!", "^", "é", "\\", "z", "c", "&", "|"]),
    ("[]a]", &["a", "]"]),
    ("[a", &["[a"]),
    ("[", &["["]),
    ("[]", &["[]"]),
    ("[!]", &[]),
    ("[!", &[]),
    ("a[", &[]),
    ("[[]", &["["]),
    ("[[a]", &["a", "["]),
    ("[]-a]", &["a", "]", "^"]),
    ("[a-]", &["a", "-"]),
    ("[-a]", &["a", "-"]),
    ("[!-a]", &["b", "A", "[", "]", "!", "^", "é", "\\", "z", "c", "&", "|"]),
    ("[--a]", &["a", "A", "[", "]", "-", "^", "\\"]),
    ("[a-b-c]", &["a", "b", "-", "c"]),
    ("[a-bz]", &["a", "b", "z"]),
    ("[z-a]", &[]),
    ("[!z-a]", &["a", "b", "A", "[", "]", "-", "!", "^", "é", "\\", "z", "c", "&", "|"]),
    ("[b-ac]", &["c"]),
    ("[z-a-c]", &["-", "c"]),
    ("[a-cz-b]", &["a", "b", "c"]),
    ("[a-b--z]", &["a", "b", "A", "[", "]", "-", "^", "\\", "z", "c"]),
    ("[a-c-]", &["a", "b", "-", "c"]),
    ("[*]", &[]),
    ("[?]", &[]),
    ("[\\]", &["\\"]),
    ("\\", &["\\"]),
    ("\\*", &["\\"]),
    ("[&&]", &["&"]),
    ("[|~]", &["|"]),
    (
        "*[!a]",
        &[
            "b",
            "ab",
            "a/b",
            "conv/1/kernel",
            "conv2/kernel:0",
            "dense/bias",
            "A",
            "a.b",
            "[",
            "]",
            "-",
            "!",
            "^",
            "é",
            "a\nb",
            "abab",
            "aab",
            "\\",
            "z",
            "[]",
            "c",
            "&",
            "|",
        ],
    ),
    ("a.b", &["a.b"]),
    ("a+", &[]),
    ("(a)", &[]),
    ("a|b", &[]),
    ("*a*b*a*b", &["abab"]),
    ("*aab", &["aab"]),
    (
        "[!a-b]*",
        &[
            "conv/1/kernel",
            "conv2/kernel:0",
            "dense/bias",
            "A",
            "[a",
            "[",
            "]",
            "-",
            "!",
            "^",
            "é",
            "\\",
            "z",
            "[]",
            "c",
            "&",
            "|",
        ],
    ),
    ("?*?", &["ab", "a/b", "conv/1/kernel", "conv2/kernel:0", "dense/bias", "a.b", "[a", "a\nb", "abab", "aab", "[]"]),
    ("[a-a]", &["a"]),
    ("[]-]", &["]", "-"]),
    ("[]-a-]", &["a", "]", "-", "^"]),
    ("*[]]", &["]", "[]"]),
    ("[[]]", &["[]"]),
    ("[z-a!b]", &["a", "A", "[", "]", "-", "!", "^", "é", "\\", "z", "c", "&", "|"]),
    ("[z-a!-c]", &["a", "b", "A", "[", "]", "!", "^", "é", "\\", "z", "&", "|"]),
    ("[z-a!]", &["a", "b", "A", "[", "]", "-", "!", "^", "é", "\\", "z", "c", "&", "|"]),
    ("[!z-a!b]", &["a", "A", "[", "]", "-", "^", "é", "\\", "z", "c", "&", "|"]),
    ("[a-bz-a!]", &["a", "b", "!"]),
    ("[é-ê]", &["é"]),
    ("?\n?", &["a\nb"]),
    ("*\n*", &["a\nb"]),
];

/// Whether the name is matched, by way of a rule that is for this pattern only.
fn is_match(pattern: &str, name: &str) -> bool {
    let rules = QuantizationRules::new([QuantizationRule::matching(QuantizeTo::Uint8, pattern)]).unwrap();
    rules.quantize_to(name).unwrap().is_some()
}

#[test]
fn patterns_are_those_of_fnmatch() {
    for (pattern, expected) in MATCHES {
        let matched: Vec<_> = NAMES.into_iter().filter(|name| is_match(pattern, name)).collect();
        assert_eq!(matched, expected, "{pattern:?}");
    }
}

/// A matcher that tries every way to share out the characters among the stars would not end.
#[test]
fn many_stars_take_no_time() {
    let name = "a".repeat(20_000);
    assert!(!is_match(&format!("{}b", "*a".repeat(500)), &name));
    assert!(is_match(&"*a".repeat(500), &name));
    assert!(!is_match(&format!("*{}b", "?".repeat(500)), &name));
}

fn rules(texts: &[&str]) -> Result<QuantizationRules, QuantizationRuleError> {
    let parsed: Result<Vec<QuantizationRule>, _> = texts.iter().map(|text| text.parse()).collect();
    QuantizationRules::new(parsed?)
}

#[test]
fn patterns_first_then_the_fallthrough() {
    let rules = rules(&["float16", "uint8=conv/*", "uint16=*bias", "uint16=b"]).unwrap();
    for (name, expected) in [
        ("conv/1/kernel", QuantizeTo::Uint8),
        ("dense/bias", QuantizeTo::Uint16),
        ("b", QuantizeTo::Uint16),
        ("dense/kernel", QuantizeTo::Float16),
    ] {
        assert_eq!(rules.quantize_to(name), Ok(Some(expected)), "{name}");
    }
    let error = rules.quantize_to("conv/bias").unwrap_err();
    let message = "weight `conv/bias` matches two rules, `uint8=conv/*` and `uint16=*bias`: narrow one of the patterns, so that only one matches";
    assert_eq!(error.to_string(), message);
}

#[test]
fn without_a_fallthrough_the_rest_stays() {
    let rules = rules(&["uint8=a", "uint8=a*"]).unwrap();
    assert_eq!(rules.quantize_to("a"), Ok(Some(QuantizeTo::Uint8)));
    assert_eq!(rules.quantize_to("b"), Ok(None));
    assert!(QuantizationRules::default().is_empty() && !rules.is_empty());
}

#[test]
fn only_one_fallthrough() {
    let error = rules(&["uint8", "float16=a", "uint16"]).unwrap_err();
    let expected = "both uint8 and uint16 are to be used for all weights that no pattern matches; only one can";
    assert_eq!(error.to_string(), expected);
    // Said twice is said once.
    assert_eq!(rules(&["uint8", "uint8"]), Ok(QuantizationRules::all(QuantizeTo::Uint8)));
}

#[test]
fn rules_as_text() {
    for text in ["uint8", "uint16=a=b", "float16=*,*", "uint8==", "uint8=[a"] {
        assert_eq!(text.parse::<QuantizationRule>().unwrap().to_string(), text);
    }
    let rule: QuantizationRule = "uint16=a=b".parse().unwrap();
    assert_eq!((rule.quantize_to(), rule.pattern()), (QuantizeTo::Uint16, Some("a=b")));
    for text in ["", "int8", "UINT8", "uint8 ", "=a", "uint=*"] {
        let error = text.parse::<QuantizationRule>().unwrap_err();
        assert_eq!(error, QuantizationRuleError::UnknownDType { rule: text.to_owned() });
    }
    let error = "uint8=".parse::<QuantizationRule>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`uint8=` names no weights: write uint8 for all of them, or a pattern behind the `=`"
    );
}
