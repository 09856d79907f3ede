//! The blocks of code in a page of Markdown.

use anyhow::{Result, ensure};

const FENCE: &str = "```";

/// One block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block<'t> {
    /// The first word behind the fence: `rust` of `rust,no_run`.
    pub(super) language: &'t str,
    /// Between the fences, with its last line feed.
    pub(super) code: &'t str,
    /// Of the opening fence, from 1.
    pub(super) line: usize,
}

/// All blocks, in their order.
///
/// # Errors
///
/// If a block has no language, by which one would know what to do with it, or no end.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, usize, usize)> = None;
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let end = start + line.len();
        if let Some(info) = line.strip_prefix(FENCE) {
            match open.take() {
                None => {
                    let language = info.split([',', ' ', '\n']).next().unwrap_or_default();
                    ensure!(!language.is_empty(), "line {}: a block of code without a language", index + 1);
                    open = Some((language, end, index + 1));
                }
                Some((language, from, line)) => {
                    blocks.push(Block { language, code: text.get(from..start).unwrap_or_default(), line });
                }
            }
        }
        start = end;
    }
    ensure!(open.is_none(), "line {}: a block of code without an end", open.map_or(0, |(.., line)| line));
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_language_and_place() {
        let text = "a\n```sh\nls\n```\n\n```rust,no_run\nfn f() {}\n\n```\n";
        let expected = [
            Block { language: "sh", code: "ls\n", line: 2 },
            Block { language: "rust", code: "fn f() {}\n\n", line: 6 },
        ];
        assert_eq!(blocks(text).unwrap(), expected);
    }

    #[test]
    fn a_block_without_language_or_end_is_an_error() {
        assert_eq!(blocks("\n```\nls\n```\n").unwrap_err().to_string(), "line 2: a block of code without a language");
        assert_eq!(blocks("```sh\nls\n").unwrap_err().to_string(), "line 1: a block of code without an end");
    }
}
