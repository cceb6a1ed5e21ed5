//! The outcomes of a part of the file under the values tried so far.

/// A tree over the axes in the order in which the part asked for them. Cells that differ only in what it did
/// not ask for have one outcome, which is found once.
#[derive(Debug, Default)]
pub(super) enum Outcomes<T> {
    /// No cell of these values was tried yet.
    #[default]
    Untried,
    /// The part asks for an axis; there is a branch for each of its values.
    Asks(usize, Vec<Self>),
    /// The outcome.
    Known(T),
}

impl<T> Outcomes<T> {
    /// Returns the outcome of a cell, given as the place of its value on each axis. `lengths` are those of the
    /// axes. `find` finds an outcome, with the axes that the part asked for, in their order.
    pub(super) fn of(
        &mut self,
        cell: &[usize],
        lengths: &[usize],
        find: impl FnOnce() -> (T, Vec<usize>),
    ) -> Option<&T> {
        let (mut depth, mut at) = (0, self);
        while let Self::Asks(axis, branches) = at {
            at = &mut branches[cell[*axis]];
            depth += 1;
        }
        if let Self::Untried = at {
            let (outcome, asked) = find();
            *at = Self::Known(outcome);
            for axis in asked.into_iter().skip(depth).rev() {
                let mut branches: Vec<Self> = Vec::new();
                branches.resize_with(lengths[axis], Self::default);
                branches[cell[axis]] = std::mem::take(at);
                *at = Self::Asks(axis, branches);
            }
        }
        while let Self::Asks(axis, branches) = at {
            at = &mut branches[cell[*axis]];
        }
        match at {
            Self::Known(outcome) => Some(outcome),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_part_does_not_ask_for_is_not_tried_again() {
        let mut outcomes = Outcomes::default();
        let mut found = Vec::new();
        // The third axis is asked for only where the first has its first value; the second never.
        for cell in [
            [0, 0, 0],
            [0, 1, 0],
            [0, 1, 1],
            [1, 0, 0],
            [1, 1, 1],
            [0, 0, 1],
        ] {
            let outcome = outcomes.of(&cell, &[2, 2, 2], || {
                found.push(cell);
                let asked = if cell[0] == 0 { vec![0, 2] } else { vec![0] };
                (if cell[0] == 0 { cell[2] } else { 9 }, asked)
            });
            let expected = if cell[0] == 0 { cell[2] } else { 9 };
            assert_eq!(outcome, Some(&expected));
        }
        assert_eq!(found, [[0, 0, 0], [0, 1, 1], [1, 0, 0]]);
    }
}
