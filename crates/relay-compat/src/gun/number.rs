//! Numbers as JavaScript writes them: the shortest digits that read back the same, plain between 1e-6 and 1e21.

use std::fmt::Write;

/// Digits before a number is written with an exponent.
const PLAIN_DIGITS_MAX: i32 = 21;
/// Zeros after the point before a number is written with an exponent, one less.
const PLAIN_ZEROS_MIN: i32 = -6;

/// Appends a finite number.
pub(super) fn write_number(number: f64, out: &mut String) {
    if number == 0.0 {
        return out.push('0');
    }
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(|digit| *digit != '.').collect();
    // Where the point is, counted from before the first digit.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    if number < 0.0 {
        out.push('-');
    }
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    if point > PLAIN_DIGITS_MAX || point <= PLAIN_ZEROS_MIN {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let sign = if point > 0 { "+" } else { "-" };
        let _ = write!(out, "{first}{dot}{rest}e{sign}{}", (point - 1).abs());
    } else if point >= count {
        let _ = write!(out, "{digits}{}", zeros(point - count));
    } else if point > 0 {
        let (whole, rest) = digits.split_at(usize::try_from(point).unwrap_or(0));
        let _ = write!(out, "{whole}.{rest}");
    } else {
        let _ = write!(out, "0.{}{digits}", zeros(-point));
    }
}

#[cfg(test)]
mod tests {
    use super::write_number;
    use proptest::prelude::*;

    fn text(number: f64) -> String {
        let mut out = String::new();
        write_number(number, &mut out);
        out
    }

    #[test]
    fn numbers_look_as_in_javascript() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (1_795_191_196_905.001, "1795191196905.001"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (1.25e-9, "1.25e-9"),
            (5e-324, "5e-324"),
            (0.1 + 0.2, "0.30000000000000004"),
            (9_007_199_254_740_993.0, "9007199254740992"),
        ] {
            assert_eq!(text(number), expected);
        }
    }

    proptest! {
        #[test]
        fn they_read_back_the_same(number in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
            prop_assert_eq!(text(number).parse::<f64>().unwrap(), number);
        }
    }
}
