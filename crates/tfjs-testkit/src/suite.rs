//! The list of behaviours, and their expansion into tests.

/// Expands to one test per behaviour of [`cases`](crate::cases).
///
/// `harness` is an expression that makes a fresh [`Harness`](crate::Harness), evaluated in each test. Natively `block_on`
/// runs a future to its end; where the test framework runs futures by itself, `async_test` names its attribute:
///
/// ```text
/// mod suite {
///     tfjs_testkit::conformance_suite!(harness = super::MyHarness::new(), block_on = tfjs_testkit::block_on);
/// }
///
/// mod in_a_browser {
///     use wasm_bindgen_test::wasm_bindgen_test;
///     tfjs_testkit::conformance_suite!(harness = super::MyHarness::new(), async_test = wasm_bindgen_test);
/// }
/// ```
#[macro_export]
macro_rules! conformance_suite {
    (harness = $harness:expr, block_on = $block_on:expr) => {
        $crate::conformance_suite! { @every block_on ($harness) ($block_on) }
    };
    (harness = $harness:expr, async_test = $test:ident) => {
        $crate::conformance_suite! { @every async_test ($harness) ($test) }
    };
    (@every $style:ident $harness:tt $runner:tt) => {
        $crate::conformance_suite! {
            @$style $harness $runner
            a_save_that_fails_at_any_byte_keeps_the_previous_model
            absent_fields_stay_absent
            all_optional_fields_survive
            cancelled_save_is_all_or_nothing
            checksums_are_written_kept_and_compared
            concurrent_saves_last_wins_whole
            copy_keeps_source
            copy_onto_itself_is_refused
            deep_json_is_refused
            empty_weights
            error_names_the_location
            failed_save_keeps_the_previous_model
            html_in_place_of_weights_is_invalid_data
            interrupted_save_is_not_loadable
            larger_than_one_chunk
            lazy_load_equals_eager_load
            lazy_model_can_be_saved_over_itself
            limits_are_those_of_the_call
            list_after_save
            load_missing_is_not_found
            manifest_path_escape_is_rejected
            many_shards
            missing_weights_are_not_found
            move_deletes_source_only_after_success
            move_of_a_broken_source_changes_nothing
            names_with_unicode_and_slashes
            progress_is_monotone_ends_at_one_and_only_on_success
            remove_missing_is_not_found
            remove_then_load_is_not_found
            resharding_keeps_every_byte
            round_trip_is_byte_exact
            save_overwrites
            save_reports_the_sizes_that_the_list_shows
            save_twice_is_stable
            topology_json_is_preserved_verbatim
            topology_only
            truncated_json_is_invalid_data
            unsupported_is_reported_as_unsupported
            weights_longer_than_manifest_is_invalid_data
            weights_only
            weights_shorter_than_manifest_is_invalid_data
            zero_dim_tensor
        }
    };
    (@block_on ($harness:expr) ($block_on:expr) $($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                let harness = $harness;
                $block_on($crate::cases::$case(&harness));
            }
        )+
    };
    (@async_test ($harness:expr) ($test:ident) $($case:ident)+) => {
        $(
            #[$test]
            async fn $case() {
                let harness = $harness;
                $crate::cases::$case(&harness).await;
            }
        )+
    };
}
