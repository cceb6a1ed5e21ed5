//! Which cells of a matrix are to be run.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::topology::matrix::Params;

/// Some cells: by their numbers (`51`, `1-20,51`), or by values that all must hold
/// (`operation=upload,size=10MiB`), in which `*` stands for anything and `|` for another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellChoice {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Numbers(Vec<RangeInclusive<usize>>),
    Values(Vec<(String, String)>),
}

/// Why a text chooses no cells.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` chooses no cells: write numbers as in 1-20,51, or values as in operation=upload,size=10MiB"
)]
pub struct NoChoice(String);

impl CellChoice {
    /// Whether a cell is chosen, by its number in the matrix, from 1, and its parameters.
    pub fn takes(&self, number: usize, params: &Params) -> bool {
        match &self.form {
            Form::Numbers(ranges) => ranges.iter().any(|range| range.contains(&number)),
            Form::Values(values) => values.iter().all(|(axis, pattern)| {
                let value = params.get(axis);
                value.is_some_and(|value| pattern.split('|').any(|one| fits(one, value)))
            }),
        }
    }
}

impl FromStr for CellChoice {
    type Err = NoChoice;

    fn from_str(text: &str) -> Result<Self, NoChoice> {
        let parts = || text.split(',').map(str::trim);
        let form = if text.contains('=') {
            let value = |part: &str| {
                let (axis, pattern) = part.split_once('=')?;
                let sound = !axis.is_empty() && !pattern.is_empty();
                sound.then(|| (axis.trim().to_owned(), pattern.trim().to_owned()))
            };
            parts().map(value).collect::<Option<_>>().map(Form::Values)
        } else {
            parts().map(range).collect::<Option<_>>().map(Form::Numbers)
        };
        let text = text.to_owned();
        match form {
            Some(form) => Ok(Self { text, form }),
            None => Err(NoChoice(text)),
        }
    }
}

impl fmt::Display for CellChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.text)
    }
}

fn range(part: &str) -> Option<RangeInclusive<usize>> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (1 <= first && first <= last).then_some(first..=last)
}

/// Whether a value is what a pattern says, in which `*` stands for any text.
fn fits(pattern: &str, value: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == value;
    };
    let Some(value) = value.strip_prefix(first) else {
        return false;
    };
    let ends = value.char_indices().map(|(at, _)| at).chain([value.len()]);
    ends.into_iter().any(|at| fits(rest, &value[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(choice: &str, number: usize) -> bool {
        let params = [("operation", "upload"), ("size", "10MiB")];
        let params = params.map(|(axis, value)| (axis.to_owned(), value.to_owned()));
        let choice: CellChoice = choice.parse().unwrap();
        choice.takes(number, &params.into())
    }

    #[test]
    fn cells_are_chosen_by_number_or_by_value() {
        assert!(takes("7", 7) && !takes("7", 8));
        assert!(takes("1-3, 7", 2) && takes("1-3,7", 7) && !takes("1-3,7", 4));
        assert!(takes("operation=upload", 1) && takes("operation=upload,size=10MiB", 1));
        assert!(!takes("operation=upload,size=1MiB", 1) && !takes("model=thread", 1));
        assert!(takes("size=1*", 1) && takes("size=*MiB", 1) && takes("size=*0*", 1));
        assert!(takes("operation=download|upload", 1) && !takes("size=5*|2*", 1));
    }

    #[test]
    fn what_chooses_nothing_is_refused() {
        for bad in [
            "",
            "0",
            "3-1",
            "x",
            "1-",
            "operation=",
            "=x",
            "operation=upload,5",
            "1,operation=x",
        ] {
            assert!(bad.parse::<CellChoice>().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        /// Stars find what the value holds, wherever it is cut.
        #[test]
        fn a_value_fits_itself_with_stars(value in "[a-c*]{0,8}", from in 0_usize..9, to in 0_usize..9) {
            let value = value.replace('*', "d");
            let (from, to) = (from.min(value.len()), to.min(value.len()));
            let (from, to) = (from.min(to), from.max(to));
            let pattern = format!("{}*{}", &value[..from], &value[to..]);
            proptest::prop_assert!(fits(&pattern, &value));
            let longer = format!("{value}e");
            proptest::prop_assert!(!fits(&value, &longer));
        }
    }
}
