//! Tables as text: cells between `|`, columns below each other.

/// A table of texts.
#[derive(Debug, PartialEq, Eq)]
pub struct TextTable {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl TextTable {
    /// Reads what [`TextTable::text`] writes, whatever the spaces.
    pub fn parse(text: &str) -> TextTable {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty()).map(cells);
        TextTable { header: lines.next().unwrap_or_default(), rows: lines.collect() }
    }

    /// The table with aligned columns.
    pub fn text(&self) -> String {
        let lines = || std::iter::once(&self.header).chain(&self.rows);
        let width =
            |n: usize| lines().filter_map(|line| line.get(n)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut text = String::new();
        for line in lines() {
            let padded: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            text.push_str(padded.join(" | ").trim_end());
            text.push('\n');
        }
        text
    }
}

fn cells(line: &str) -> Vec<String> {
    line.replace("\\|", "\u{0}").split('|').map(|cell| cell.trim().replace('\u{0}', "\\|")).collect()
}

/// A text as a cell.
pub fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('\n', "\\n")
}
