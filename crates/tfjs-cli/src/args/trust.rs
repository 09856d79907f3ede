//! `--limit` and `--follow-links`: how far a model is trusted.

use tfjs_io::{Limit, Limits, Links, LoadOptions};

use super::sizes::bytes;

/// What was said about limits, in order, and about links.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct TrustArgs {
    /// Accepts as much as this of something, such as `json-bytes=512MiB`, or whatever there is, as in `tensors=none`; `none`
    /// alone is for all limits. Can be given several times. Names: json-bytes, json-depth, graph-def-bytes, tensors, rank,
    /// name-bytes, groups, shards, string-elements, string-bytes, weight-bytes, unknown-bytes, decoded-bytes, layer-calls
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = limit)]
    limits: Vec<Said>,
    /// Follows links that lead out of a model's folder, which are an error otherwise
    #[arg(long)]
    follow_links: bool,
}

/// One `--limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    None,
    Most(Limit, u64),
}

impl TrustArgs {
    /// These limits, changed as was said.
    pub(crate) fn apply(&self, limits: Limits) -> Limits {
        self.limits.iter().fold(limits, |limits, said| match said {
            Said::None => Limits::none(),
            Said::Most(limit, most) => limits.with(*limit, *most),
        })
    }

    /// The default limits, changed as was said.
    pub(crate) fn limits(&self) -> Limits {
        self.apply(Limits::new())
    }

    /// These options, with the default limits changed as was said.
    pub(crate) fn load(&self, options: LoadOptions) -> LoadOptions {
        options.with_limits(self.limits()).with_links(self.links())
    }

    pub(crate) fn links(&self) -> Links {
        if self.follow_links { Links::Follow } else { Links::StayInside }
    }
}

fn limit(text: &str) -> Result<Said, String> {
    if text == "none" {
        return Ok(Said::None);
    }
    let (name, most) = text.split_once('=').ok_or("expected a name, `=` and a number, or `none`")?;
    let limit = name.parse::<Limit>().map_err(|error| error.to_string())?;
    let most = match most {
        "none" => u64::MAX,
        "0" => 0,
        most => bytes(most).ok_or("expected a number, such as 65536 or 4MiB, or `none`")?.get(),
    };
    if most != u64::MAX && most > limit.ceiling() {
        return Err(format!("{} is at most {}", limit.name(), limit.ceiling()));
    }
    Ok(Said::Most(limit, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_said() {
        assert_eq!(limit("none"), Ok(Said::None));
        assert_eq!(limit("json-bytes=4MiB"), Ok(Said::Most(Limit::JsonBytes, 4 << 20)));
        assert_eq!(limit("tensors=none"), Ok(Said::Most(Limit::Tensors, u64::MAX)));
        assert!(limit("json-depth=1000").unwrap_err().contains("at most 512"));
        assert_eq!(limit("shards=0"), Ok(Said::Most(Limit::Shards, 0)));
        for wrong in ["", "tensors", "tensors=", "tensors=-1", "tensor=1", "tensors=1.5"] {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn later_ones_count() {
        let said = TrustArgs {
            limits: vec![Said::Most(Limit::Rank, 1), Said::None, Said::Most(Limit::Tensors, 2)],
            follow_links: false,
        };
        assert_eq!(said.apply(Limits::new()), Limits::none().with(Limit::Tensors, 2));
    }

    #[test]
    fn help_names_all_of_them() {
        use clap::Args as _;
        let command = TrustArgs::augment_args(clap::Command::new("x"));
        let help = command
            .get_arguments()
            .find(|argument| argument.get_id() == "limits")
            .and_then(|argument| argument.get_help())
            .unwrap()
            .to_string();
        assert!(Limit::ALL.iter().all(|limit| help.contains(limit.name())), "{help}");
    }
}
