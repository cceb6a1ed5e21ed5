//! The parameter combinations of a scenario's matrix.

use std::collections::BTreeMap;

/// One combination: parameter to value, as written.
pub type Params = BTreeMap<String, String>;

/// Every combination of the axes, the last axis turning fastest; one empty combination where there
/// are no axes.
pub fn combinations(matrix: &[(String, Vec<String>)]) -> Vec<Params> {
    matrix
        .iter()
        .fold(vec![Params::new()], |cells, (axis, values)| {
            let with = |cell: &Params, value: &String| {
                let mut cell = cell.clone();
                cell.insert(axis.clone(), value.clone());
                cell
            };
            cells
                .iter()
                .flat_map(|cell| values.iter().map(move |value| with(cell, value)))
                .collect()
        })
}

/// The combination in words: `loss 5%, model single-thread`; `all` for the empty one.
pub fn label(params: &Params) -> String {
    if params.is_empty() {
        return "all".to_owned();
    }
    params
        .iter()
        .map(|(axis, value)| format!("{axis} {value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_axis_turns_fastest() {
        let axis = |name: &str, values: &[&str]| {
            (
                name.to_owned(),
                values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>(),
            )
        };
        let cells = combinations(&[axis("model", &["a", "b"]), axis("loss", &["0%", "5%"])]);
        let labels: Vec<_> = cells.iter().map(label).collect();
        assert_eq!(
            labels,
            [
                "loss 0%, model a",
                "loss 5%, model a",
                "loss 0%, model b",
                "loss 5%, model b"
            ]
        );
        assert_eq!(
            combinations(&[]).iter().map(label).collect::<Vec<_>>(),
            ["all"]
        );
    }
}
