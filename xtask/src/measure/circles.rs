//! Circles in a graph: sets of files each of which reaches all others.

use std::collections::BTreeSet;

/// The targets of each file's arrows.
pub(super) type Arrows = [BTreeSet<usize>];

/// Returns the files that can be reached from these, including themselves.
pub(super) fn reached(arrows: &Arrows, begin: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = begin.into_iter().collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(&arrows[file]);
        }
    }
    reached
}

/// Returns the circles (strongly connected components of more than one file), sorted by their first files.
pub(super) fn of(arrows: &Arrows) -> Vec<BTreeSet<usize>> {
    let all: Vec<_> = (0..arrows.len()).map(|file| reached(arrows, [file])).collect();
    let back = |file: usize| all[file].iter().copied().filter(|other| all[*other].contains(&file)).collect();
    let is_first =
        |(file, circle): &(usize, BTreeSet<usize>)| circle.len() > 1 && circle.first() == Some(file);
    let circles = (0..arrows.len()).map(|file| (file, back(file))).filter(is_first);
    circles.map(|(_, circle)| circle).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{of, reached};

    #[test]
    fn a_circle_holds_the_files_that_reach_each_other_and_no_others() {
        let arrows = [vec![1], vec![2], vec![0, 3], vec![4], vec![3], vec![0]].map(BTreeSet::from_iter);
        assert_eq!(of(&arrows), [vec![0, 1, 2], vec![3, 4]].map(BTreeSet::from_iter));
        assert_eq!(reached(&arrows, [3]), BTreeSet::from([3, 4]));
    }
}
