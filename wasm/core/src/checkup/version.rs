//! Versions, such as `0.10.2`.

use std::cmp::Ordering;

/// Which of two versions such as `0.10.2` is the newer one. What is no number counts as 0.
#[must_use]
pub fn compare_versions(one: &str, other: &str) -> Ordering {
    let numbers = |version: &str| -> Vec<u32> {
        let parts = version.split('.').take(MAX_VERSION_PARTS);
        let mut numbers: Vec<_> = parts.map(|part| part.parse().unwrap_or(0)).collect();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        numbers
    };
    numbers(one).cmp(&numbers(other))
}

/// Browsers allow four.
const MAX_VERSION_PARTS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (one, order, other) in [
            ("0.1.0", Ordering::Equal, "0.1"),
            ("0.10.0", Ordering::Greater, "0.9.9"),
            ("1", Ordering::Less, "1.0.0.1"),
            ("x", Ordering::Equal, ""),
        ] {
            assert_eq!(compare_versions(one, other), order, "{one} {other}");
        }
    }
}
