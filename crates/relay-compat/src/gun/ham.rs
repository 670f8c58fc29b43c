//! Which of two writes of a property wins. Total, so all peers agree whatever the order in which they hear of them.

use super::json::text_order;
use std::cmp::Ordering;

/// Whether a write takes the place of what is there. Values are JSON texts.
pub(super) fn wins(state: f64, value: &str, stored: Option<(f64, &str)>) -> bool {
    let Some((stored_state, stored_value)) = stored else { return true };
    match state.partial_cmp(&stored_state) {
        Some(Ordering::Greater) => true,
        Some(Ordering::Equal) => text_order(value, stored_value) == Ordering::Greater,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::wins;
    use proptest::prelude::*;

    #[test]
    fn equal_states_are_decided_by_the_text_of_the_value() {
        // What stock peers were seen to decide.
        for (winner, loser) in [
            ("9", "1"),
            ("1", "\"a\""),
            ("true", "1"),
            ("null", "1"),
            ("null", "\"a\""),
            ("true", "null"),
            ("{\"#\":\"x\"}", "true"),
            ("\"\u{ffff}\"", "\"\u{10000}\""),
        ] {
            assert!(wins(5.0, winner, Some((5.0, loser))), "{winner} beats {loser}");
            assert!(!wins(5.0, loser, Some((5.0, winner))), "{loser} does not beat {winner}");
        }
        assert!(!wins(5.0, "1", Some((5.0, "1"))), "the same is no news");
    }

    #[test]
    fn the_higher_state_wins_down_to_its_fraction() {
        assert!(wins(1.0, "1", None));
        assert!(wins(1_795_191_196_905.001, "1", Some((1_795_191_196_905.0, "true"))));
        assert!(!wins(1_795_191_196_905.0, "true", Some((1_795_191_196_905.001, "1"))));
    }

    type Write = (u8, String);

    fn merged<'a>(
        writes: impl IntoIterator<Item = &'a Write>,
        wins: fn(f64, &str, Option<(f64, &str)>) -> bool,
    ) -> Option<Write> {
        writes.into_iter().fold(None, |stored: Option<Write>, (state, value)| {
            let held = stored.as_ref().map(|(state, value)| (f64::from(*state), value.as_str()));
            if wins(f64::from(*state), value, held) { Some((*state, value.clone())) } else { stored }
        })
    }

    proptest! {
        #[test]
        fn any_order_and_any_repetition_ends_the_same(
            (writes, shuffled) in prop::collection::vec((0_u8..4, "[a-c\u{ffff}\u{10000}]{0,2}"), 0..12)
                .prop_flat_map(|writes| (Just(writes.clone()), Just(writes).prop_shuffle())),
        ) {
            let expected = merged(&writes, wins);
            prop_assert_eq!(merged(&shuffled, wins), expected.clone());
            prop_assert_eq!(merged(writes.iter().chain(&shuffled).chain(&writes), wins), expected);
        }
    }

    #[test]
    fn a_rule_that_lets_the_last_one_win_is_found_out() {
        let last = |state: f64, _: &str, stored: Option<(f64, &str)>| stored.is_none_or(|(other, _)| state >= other);
        let (a, b) = ((1, "a".to_owned()), (1, "b".to_owned()));
        assert_ne!(merged([&a, &b], last), merged([&b, &a], last));
        assert_eq!(merged([&a, &b], wins), merged([&b, &a], wins));
    }
}
