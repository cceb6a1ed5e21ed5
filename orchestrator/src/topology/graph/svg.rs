//! A topology as SVG (<https://www.w3.org/TR/SVG2/>), with no reference to anything outside.

use std::fmt::{self, Write};

use super::layout::{Bar, Edge, LINE_HEIGHT, NodeBox, layout};
use crate::topology::Topology;

/// The topology as one SVG element. Its colours follow the reader's light or dark scheme.
pub fn svg(topology: &Topology) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = draw(topology, &mut out);
    out
}

fn draw(topology: &Topology, out: &mut String) -> fmt::Result {
    let layout = layout(topology);
    let (width, height) = (layout.width, layout.height);
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lab\" role=\"img\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\">"
    )?;
    writeln!(out, "<title>{}</title>", topology.name)?;
    writeln!(out, "<style>{STYLE}</style>")?;
    layout
        .edges
        .iter()
        .try_for_each(|edge| draw_line(out, edge))?;
    layout.bars.iter().try_for_each(|bar| draw_bar(out, bar))?;
    layout
        .edges
        .iter()
        .try_for_each(|edge| draw_plug(out, edge))?;
    layout
        .boxes
        .iter()
        .try_for_each(|node| draw_node(out, node))?;
    writeln!(out, "</svg>")
}

fn draw_line(out: &mut String, edge: &Edge) -> fmt::Result {
    let (x, from, to) = (edge.x, edge.node_y, edge.bar_y);
    writeln!(
        out,
        "<path class=\"wire\" d=\"M{x:.1} {from:.1}V{to:.1}\"/>"
    )
}

fn draw_bar(out: &mut String, bar: &Bar) -> fmt::Result {
    let (left, right, y) = (bar.left, bar.right, bar.y);
    let class = if bar.is_wire { "link" } else { "network" };
    writeln!(
        out,
        "<path class=\"{class}\" d=\"M{left:.1} {y:.1}H{right:.1}\"/>"
    )?;
    let (title, subnets) = (escaped(&bar.title), escaped(&bar.subnets));
    let (x, y) = (right + 10.0, y + 4.0);
    writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\"><tspan class=\"name\">{title}</tspan> {subnets}</text>"
    )
}

/// The dot where an edge meets its bar, and the label at its node.
fn draw_plug(out: &mut String, edge: &Edge) -> fmt::Result {
    let (x, y) = (edge.x, edge.bar_y);
    writeln!(
        out,
        "<circle class=\"plug\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"
    )?;
    let lines = u32::try_from(edge.label.len()).map_or(1.0, f64::from);
    let first = if edge.bar_y < edge.node_y {
        edge.node_y - LINE_HEIGHT * (lines - 1.0) - 5.0
    } else {
        edge.node_y + LINE_HEIGHT
    };
    let x = x + 6.0;
    let mut y = first;
    for line in &edge.label {
        writeln!(
            out,
            "<text class=\"label\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escaped(line)
        )?;
        y += LINE_HEIGHT;
    }
    Ok(())
}

fn draw_node(out: &mut String, node: &NodeBox) -> fmt::Result {
    let (x, y, width, height) = (node.x, node.y, node.width, node.height);
    let class = if node.forwards {
        "node forwards"
    } else {
        "node"
    };
    writeln!(
        out,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>"
    )?;
    let x = x + 10.0;
    let mut y = y + 20.0;
    writeln!(
        out,
        "<text class=\"name\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        escaped(&node.name)
    )?;
    for line in &node.lines {
        y += LINE_HEIGHT;
        writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escaped(line)
        )?;
    }
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Everything is below `.lab`, for the picture may be put into a page.
const STYLE: &str = "\
.lab text{font:12px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#1f2933}\
.lab .name{font-weight:bold}\
.lab .label{fill:#52606d}\
.lab .wire{stroke:#7b8794;stroke-width:1.5;fill:none}\
.lab .network{stroke:#2b6cb0;stroke-width:7;stroke-linecap:round;fill:none}\
.lab .link{stroke:#7b8794;stroke-width:1.5;fill:none}\
.lab .plug{fill:#2b6cb0;stroke:#ffffff;stroke-width:1.5}\
.lab .node{fill:#f5f7fa;stroke:#7b8794;stroke-width:1.2}\
.lab .forwards{fill:#fff7e0;stroke:#b7791f}\
@media (prefers-color-scheme:dark){\
.lab text{fill:#e4e7eb}\
.lab .label{fill:#9aa5b1}\
.lab .network{stroke:#63b3ed}\
.lab .plug{fill:#63b3ed;stroke:#1a202c}\
.lab .node{fill:#2d3748;stroke:#9aa5b1}\
.lab .forwards{fill:#453a1f;stroke:#ecc94b}}";
