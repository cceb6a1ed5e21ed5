//! A topology as a picture: pure functions of it, the same picture every time.
//!
//! - [`mermaid()`]: for Markdown.
//! - [`dot()`]: for Graphviz.
//! - [`svg()`]: by itself, readable on light and on dark.
//! - `label`: the labels of nodes, networks and edges; `layout`: where the SVG puts them.

mod dot;
mod label;
mod layout;
mod mermaid;
mod svg;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;

#[cfg(test)]
mod tests;
