//! What changed between two texts, line by line.

/// A line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// In both texts.
    Same(String),
    /// In the old text only.
    Old(String),
    /// In the new text only.
    New(String),
}

/// Lines of both texts in order, by a longest common subsequence. Very long texts are taken as wholly changed between
/// their common beginning and end.
#[must_use]
pub fn changed_lines(old: &str, new: &str) -> Vec<Line> {
    const MOST_CELLS: usize = 4_000_000;
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - front;
    let back = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (old_middle, new_middle) = (&old[front..old.len() - back], &new[front..new.len() - back]);
    let same = |lines: &[&str]| lines.iter().map(|line| Line::Same((*line).to_owned())).collect::<Vec<_>>();
    let mut out = same(&old[..front]);
    if old_middle.len().saturating_mul(new_middle.len()) > MOST_CELLS {
        out.extend(old_middle.iter().map(|line| Line::Old((*line).to_owned())));
        out.extend(new_middle.iter().map(|line| Line::New((*line).to_owned())));
    } else {
        middle(old_middle, new_middle, &mut out);
    }
    out.extend(same(&old[old.len() - back..]));
    out
}

fn middle(old: &[&str], new: &[&str], out: &mut Vec<Line>) {
    let width = new.len() + 1;
    // Length of the longest common subsequence from (i, j) on.
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = if old[i] == new[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let is_same = i < old.len() && j < new.len() && old[i] == new[j];
        let is_old = i < old.len() && (j == new.len() || longest[(i + 1) * width + j] >= longest[i * width + j + 1]);
        if is_same {
            out.push(Line::Same(old[i].to_owned()));
            i += 1;
            j += 1;
        } else if is_old {
            out.push(Line::Old(old[i].to_owned()));
            i += 1;
        } else {
            out.push(Line::New(new[j].to_owned()));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(old: &str, new: &str) -> String {
        let line = |line: &Line| match line {
            Line::Same(text) => format!(" {text}"),
            Line::Old(text) => format!("-{text}"),
            Line::New(text) => format!("+{text}"),
        };
        changed_lines(old, new).iter().map(line).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn lines() {
        let cases = [
            ("a\nb\nc", "a\nb\nc", " a, b, c"),
            ("a\nb\nc", "a\nx\nc", " a,-b,+x, c"),
            ("a\nb", "a\nb\nc", " a, b,+c"),
            ("a\na", "a", " a,-a"),
            ("", "a", "+a"),
            ("a\nb\nc\nd", "b\nx\nd", "-a, b,-c,+x, d"),
        ];
        for (old, new, expected) in cases {
            assert_eq!(marks(old, new), expected);
        }
    }
}
