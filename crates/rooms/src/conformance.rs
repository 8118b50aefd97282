//! The suite every implementation of [`crate::Store`] passes: what the trait promises, told case by case.
//!
//! ```text
//! parlor_rooms::conformance_tests!(MyFixture::new());
//! ```

mod accounts;
mod directory;
mod documents;
mod edits;
mod executor;
mod keys;
mod posts;
mod preferences;
mod removals;
mod samples;

use std::sync::Arc;

use crate::Store;

pub use accounts::*;
pub use directory::*;
pub use documents::*;
pub use edits::edit_from;
pub use executor::{block_on, join_all};
pub use keys::*;
pub use posts::*;
pub use preferences::*;
pub use removals::*;
pub use samples::*;

/// Opens stores for the suite.
pub trait Fixture {
    /// An empty store.
    fn open(&mut self) -> Arc<dyn Store>;

    /// The same store as after a restart; `store` is the only handle.
    fn reopen(&mut self, store: Arc<dyn Store>) -> Arc<dyn Store>;
}

/// One `#[test]` for each case of the suite, over the fixture that the expression makes.
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:expr) => {
        $crate::conformance_tests! {
            $fixture =>
            a_failed_change_leaves_nothing
            a_message_is_removed_once
            a_message_of_any_text_comes_back_as_it_was
            account_names_are_unique
            accounts_come_back_as_they_were_put
            an_account_goes_with_its_user
            a_removed_message_leaves_a_notice_and_a_record
            a_removed_room_is_unknown_and_empty_when_made_again
            a_repeated_key_is_answered_with_the_first_post
            an_append_is_all_or_nothing
            appends_that_run_at_once_keep_their_order
            a_large_append_is_refused
            changes_that_do_not_fit_are_refused
            documents_change_together_or_not_at_all
            documents_come_back_as_they_were_put
            documents_go_with_their_user
            documents_have_limits
            ids_count_from_one_in_each_room
            keys_are_separate_by_room_and_author
            names_are_shared_by_rooms_and_categories
            pages_are_oldest_first_and_capped
            posts_that_are_not_kept_still_count
            preferences_count_their_changes
            preferences_have_limits
            random_edits_come_back_as_they_were
            the_directory_comes_back_as_it_was
            the_record_of_removals_outlives_its_room
            unknown_rooms_are_named
            what_cannot_be_removed_is_named
        }
    };
    ($fixture:expr => $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                let mut fixture = $fixture;
                $crate::conformance::block_on($crate::conformance::$case(&mut fixture));
            }
        )*
    };
}
