//! The list of behaviours, and their expansion into tests.

/// A behaviour of [`cases`](crate::cases), in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Behaviour {
    /// The name of its function.
    pub name: &'static str,
    /// What it is one of.
    pub group: &'static str,
    /// What a user can rely on.
    pub description: &'static str,
}

/// Expands to one test per behaviour of [`cases`](crate::cases).
///
/// `backend` is its name in the records of what a run has shown (see [`record_behaviour`](crate::record_behaviour)): its scheme, and
/// in parentheses which form of it this is, if there are several. Without it nothing is recorded. `harness` is an expression that makes a
/// fresh [`Harness`](crate::Harness), evaluated in each test. Natively `block_on` runs a future to its end; where the test framework runs
/// futures by itself, `async_test` names its attribute:
///
/// ```text
/// mod suite {
///     tfjs_testkit::conformance_suite!(
///         backend = "my-scheme://",
///         harness = super::MyHarness::new(),
///         block_on = tfjs_testkit::block_on
///     );
/// }
///
/// mod in_a_browser {
///     use wasm_bindgen_test::wasm_bindgen_test;
///     tfjs_testkit::conformance_suite!(
///         backend = "my-scheme:// (of a folder)",
///         harness = super::MyHarness::new(),
///         async_test = wasm_bindgen_test
///     );
/// }
/// ```
#[macro_export]
macro_rules! conformance_suite {
    (backend = $backend:expr, harness = $harness:expr, block_on = $block_on:expr) => {
        $crate::conformance_suite! { @every block_on (Some($backend)) ($harness) ($block_on) }
    };
    (harness = $harness:expr, block_on = $block_on:expr) => {
        $crate::conformance_suite! { @every block_on (None) ($harness) ($block_on) }
    };
    (backend = $backend:expr, harness = $harness:expr, async_test = $test:ident) => {
        $crate::conformance_suite! { @every async_test (Some($backend)) ($harness) ($test) }
    };
    (harness = $harness:expr, async_test = $test:ident) => {
        $crate::conformance_suite! { @every async_test (None) ($harness) ($test) }
    };
    (@every $style:ident $backend:tt $harness:tt $runner:tt) => {
        $crate::conformance_suite! {
            @$style $backend $harness $runner
            "What is saved comes back" {
                round_trip_is_byte_exact "weights of every type come back bit for bit, the payloads of NaN included"
                topology_json_is_preserved_verbatim "the text of the topology stays as it is, to the last digit and space"
                all_optional_fields_survive "every known key survives, and every unknown one in the model, its groups and its weights"
                absent_fields_stay_absent "what was not there does not appear, not even as null"
                topology_only "a model without weights is one"
                weights_only "weights without a topology are a model, too"
                empty_weights "a group without tensors in a file without bytes stays one"
                zero_dim_tensor "scalars and tensors with a dimension of zero keep their shapes"
                names_with_unicode_and_slashes "names of models and tensors may be odd"
                save_twice_is_stable "what was loaded and saved again is what was loaded"
            }
            "Large models" {
                many_shards "1100 files of weights, more than a process may usually hold open"
                larger_than_one_chunk "a tensor of nine MiB, more than is held at once"
            }
            "Lazy loading" {
                lazy_load_equals_eager_load "weights can be read later, when they are used, and are the same"
                ranges_of_lazy_weights_are_those_of_the_whole "any range of them can be read, also across files"
                lazy_model_can_be_saved_over_itself "a lazily loaded model can be saved to where it is read from"
            }
            "Files of weights, and checksums" {
                resharding_keeps_every_byte "weights are cut into files of any size, and are the same"
                checksums_are_written_and_kept "checksums are written when asked for, and copies have them, too"
                weights_never_take_the_name_of_the_json "a weights file that would be written over the JSON is refused, and the previous model stays"
                changed_weights_are_found_by_their_checksum "a bit that changed is found by the checksum"
            }
            "Replacing a model is all or nothing" {
                save_overwrites "a save replaces the previous model with all its files"
                failed_save_keeps_the_previous_model "a save that fails keeps the previous model"
                a_save_that_fails_at_any_byte_keeps_the_previous_model "so does one that fails at any byte of the weights"
                interrupted_save_is_not_loadable "a save that fails where nothing was leaves nothing"
                cancelled_save_is_all_or_nothing "a save that is cancelled keeps the previous model"
                concurrent_saves_last_wins_whole "of two saves at once one wins, whole"
                loads_during_saves_find_one_of_them_whole "who loads while somebody else saves finds one of the models, whole"
                nothing_is_left_behind "no file of a model that was replaced or removed is left behind"
            }
            "Damaged models" {
                weights_shorter_than_manifest_is_invalid_data "weights that lack a byte are refused"
                weights_longer_than_manifest_is_invalid_data "weights with a byte too many are refused"
                missing_weights_are_not_found "a model that has lost its weights is an error"
                html_in_place_of_weights_is_invalid_data "an HTML page in place of the weights is refused"
                truncated_json_is_invalid_data "half a JSON file is refused"
                manifest_path_escape_is_rejected "a manifest that names files outside of its folder is refused"
                deep_json_is_refused "JSON that is nested without end is refused"
                limits_are_those_of_the_call "the limits of a call are kept, from the JSON to the lengths of strings"
            }
            "Copying and moving" {
                copy_keeps_source "a copy leaves its source, and is the same model"
                copy_onto_itself_is_refused "a copy onto itself is refused"
                move_deletes_source_only_after_success "a move removes the source when the destination is there"
                move_of_a_broken_source_changes_nothing "a move of a damaged model changes neither place"
            }
            "Listing and removing" {
                list_after_save "saved models are listed under URLs that load them"
                save_reports_the_sizes_that_the_list_shows "the list shows the sizes that the save reported"
                remove_then_load_is_not_found "a removed model is gone, and only that one"
                remove_missing_is_not_found "removing what is not there is an error"
            }
            "Errors and progress" {
                load_missing_is_not_found "loading what is not there is the error `NotFound`"
                error_names_the_location "errors say what was done, and where"
                unsupported_is_reported_as_unsupported "what is not supported is an error that says so, and says what is"
                progress_is_monotone_ends_at_one_and_only_on_success "progress never goes back, and ends once, on success only"
            }
        }
    };
    (@block_on $backend:tt ($harness:expr) ($block_on:expr) $($group:literal { $($case:ident $description:literal)+ })+) => {
        $($(
            #[test]
            fn $case() {
                let harness = $harness;
                $block_on(async {
                    let outcome = $crate::cases::$case(&harness).await;
                    $crate::conformance_suite! { @record $backend $case outcome }
                });
            }
        )+)+
    };
    (@async_test $backend:tt ($harness:expr) ($test:ident) $($group:literal { $($case:ident $description:literal)+ })+) => {
        $($(
            #[$test]
            async fn $case() {
                let harness = $harness;
                let outcome = $crate::cases::$case(&harness).await;
                $crate::conformance_suite! { @record $backend $case outcome }
            }
        )+)+
    };
    (@record (Some($backend:expr)) $case:ident $outcome:ident) => {
        $crate::record_behaviour($backend, stringify!($case), $outcome);
    };
    (@record (None) $case:ident $outcome:ident) => {
        let _seen: $crate::Outcome = $outcome;
    };
    (@list () () () $($group:literal { $($case:ident $description:literal)+ })+) => {
        /// All behaviours, in the order in which a reader wants to know them.
        pub const BEHAVIOURS: &[Behaviour] =
            &[$($(Behaviour { name: stringify!($case), group: $group, description: $description }),+),+];
    };
}

conformance_suite! { @every list () () () }

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Each behaviour of this module is a test of every backend, and each once.
    #[test]
    fn no_behaviour_is_left_out() {
        let declared = include_str!("cases.rs").lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let declared: BTreeSet<_> = declared.map(|line| line.split_once('<').unwrap().0).collect();
        assert_eq!(BEHAVIOURS.iter().map(|behaviour| behaviour.name).collect::<BTreeSet<_>>(), declared);
        assert_eq!(BEHAVIOURS.len(), declared.len());
    }
}
