//! Text for a screen of 80 columns.

/// The width of a screen that everybody has.
const WIDTH: usize = 80;

/// The width of a cell of [`columns`]: two of them stand beside a label.
const CELL: usize = 31;

/// `text` in lines that fit when they are indented by `indent` columns; the first line is not indented, as the caller
/// has written something there. Words that are longer than a line are cut.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let lines = lines(text, WIDTH.saturating_sub(indent).max(1));
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

/// `text` in lines of at most `room` columns; at least one.
pub(super) fn lines(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace().flat_map(|word| pieces(word, room)) {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            lines.push(String::new());
            used = 0;
        }
        let line = lines.last_mut().expect("there is always a line");
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(&word);
        used += length;
    }
    lines
}

/// Lines as they are, indented; those that are no code are wrapped. Control characters are not shown.
pub(super) fn block(text: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let line = |line: &str| {
        let text = if line.starts_with("  ") { line.to_owned() } else { wrapped(line, indent) };
        format!("{margin}{text}\n")
    };
    text.lines().map(line).collect()
}

fn pieces(word: &str, room: usize) -> Vec<String> {
    let printable: Vec<char> = word.chars().map(printable).collect();
    printable.chunks(room).map(|piece| piece.iter().collect()).collect()
}

/// What the other side wrote may hold control characters, which a terminal would obey.
fn printable(c: char) -> char {
    if c.is_control() { '\u{fffd}' } else { c }
}

/// `a, b and c`.
pub(super) fn listed(items: &[String]) -> String {
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.concat(),
    }
}

/// Tables next to each other, at most `rows` rows of each.
pub(super) fn columns(tables: &[Vec<String>], rows: usize) -> Vec<String> {
    let height = tables.iter().map(Vec::len).max().unwrap_or(0);
    let mut lines: Vec<String> = (0..height.min(rows)).map(|row| line(tables, row)).collect();
    if height > rows {
        lines.push(format!("and {} more with --json", height - rows));
    }
    lines
}

fn line(tables: &[Vec<String>], row: usize) -> String {
    let cells = tables.iter().map(|table| table.get(row).map_or("", String::as_str));
    let cells = cells.map(|cell| cell.chars().map(printable).collect::<String>());
    let padded: String = cells.map(|cell| format!("{cell:<CELL$.CELL$} ")).collect();
    padded.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_long_words_are_cut() {
        let text = wrapped(&"word ".repeat(30), 70);
        assert!(text.lines().all(|line| line.trim_start().chars().count() <= 10), "{text}");
        assert_eq!(
            wrapped(&"x".repeat(25), 70),
            format!("{0}\n{1}{0}\n{1}xxxxx", "x".repeat(10), " ".repeat(70))
        );
        assert_eq!(wrapped("a\u{1b}[31m", 0), "a\u{fffd}[31m");
    }

    #[test]
    fn cells_show_no_control_characters() {
        let tables = [vec!["a\u{1b}[31m".to_owned()], vec!["b\u{9b}2J".to_owned()]];
        assert_eq!(columns(&tables, 1), [format!("{:<CELL$} b\u{fffd}2J", "a\u{fffd}[31m")]);
    }

    #[test]
    fn lists_end_with_and() {
        let items: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(listed(&items), "a, b and c");
        assert_eq!(listed(&items[..1]), "a");
    }
}
