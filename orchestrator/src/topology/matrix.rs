//! The parameter combinations of a scenario's matrix, the last axis turning fastest.

use std::collections::BTreeMap;

/// One combination: parameter to value, as written.
pub type Params = BTreeMap<String, String>;

/// Returns every combination of the axes; one empty combination where there are no axes.
pub fn combinations(matrix: &[(String, Vec<String>)]) -> impl Iterator<Item = Params> + '_ {
    let lengths: Vec<usize> = matrix.iter().map(|(_, values)| values.len()).collect();
    (0..count(&lengths)).map(move |number| {
        let places = place(&lengths, number);
        let pairs = matrix.iter().zip(places);
        let pairs = pairs.map(|((axis, values), at)| (axis.clone(), values[at].clone()));
        pairs.collect()
    })
}

/// Returns the number of combinations of axes of these lengths.
pub fn count(lengths: &[usize]) -> usize {
    lengths.iter().copied().fold(1, usize::saturating_mul)
}

/// Returns the place of a combination's value on each axis. `number` is the combination's number, from 0.
pub(super) fn place(lengths: &[usize], mut number: usize) -> Vec<usize> {
    let mut places = vec![0; lengths.len()];
    for (place, length) in places.iter_mut().zip(lengths).rev() {
        *place = number % length;
        number /= length;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_axis_turns_fastest() {
        let axis = |name: &str, values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned());
            (name.to_owned(), values.collect::<Vec<_>>())
        };
        let matrix = [
            axis("model", &["a", "b"]),
            axis("loss", &["0%", "5%", "9%"]),
        ];
        let cells: Vec<Params> = combinations(&matrix).collect();
        let pairs: Vec<(&str, &str)> = cells
            .iter()
            .map(|cell| (cell["model"].as_str(), cell["loss"].as_str()))
            .collect();
        let (a, b) = ("a", "b");
        let expected = [
            (a, "0%"),
            (a, "5%"),
            (a, "9%"),
            (b, "0%"),
            (b, "5%"),
            (b, "9%"),
        ];
        assert_eq!(pairs, expected);
        assert_eq!(combinations(&[]).collect::<Vec<_>>(), [Params::new()]);
        assert_eq!(combinations(&[axis("none", &[])]).count(), 0);
    }
}
