//! Where the SVG puts everything.
//!
//! Networks are horizontal bars, one below the other, direct wires likewise but thin. A node that is
//! on one network hangs at its bar, half of many above it. A node that is on several stands in a
//! column of its own on the left, below the first of its bars, so that its edges cross no other node
//! on their way to the rest.

use super::label;
use crate::topology::Topology;
use crate::topology::model::{Attachment, Interface, Node};

/// A picture, in pixels.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) bars: Vec<Bar>,
    pub(super) boxes: Vec<NodeBox>,
    pub(super) edges: Vec<Edge>,
}

/// A network, or a direct wire.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) title: String,
    pub(super) subnets: String,
    pub(super) is_wire: bool,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) y: f64,
}

/// A node.
#[derive(Debug)]
pub(super) struct NodeBox {
    pub(super) name: String,
    pub(super) lines: Vec<String>,
    pub(super) forwards: bool,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// An interface's way from its node to its bar.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) x: f64,
    pub(super) node_y: f64,
    pub(super) bar_y: f64,
    pub(super) label: Vec<String>,
}

/// Lays the topology out.
pub(super) fn layout(topology: &Topology) -> Layout {
    let mut page = Page::new(topology);
    page.place_nodes();
    page.place_edges();
    page.finish()
}

struct Page<'a> {
    topology: &'a Topology,
    /// The segments that the bars stand for, from top to bottom.
    segments: Vec<&'a Attachment>,
    /// Room between a bar and the nodes below it, for labels.
    gap: f64,
    layout: Layout,
}

impl<'a> Page<'a> {
    fn new(topology: &'a Topology) -> Self {
        let mut segments: Vec<&Attachment> = Vec::new();
        let interfaces = || topology.nodes.iter().flat_map(|node| &node.interfaces);
        for interface in interfaces() {
            if !segments.contains(&&interface.attachment) {
                segments.push(&interface.attachment);
            }
        }
        segments.sort_by_key(|segment| matches!(segment, Attachment::Link(_)));
        let lines = interfaces()
            .map(|interface| label::edge(interface).len())
            .max();
        let boxes = topology.nodes.iter().map(|node| NodeBox {
            name: node.name.to_string(),
            lines: label::addresses(node),
            forwards: node.forward,
            x: 0.0,
            y: 0.0,
            width: width_of(node),
            height: 30.0 + LINE_HEIGHT * count(label::addresses(node).len()),
        });
        Self {
            topology,
            segments,
            gap: 24.0 + LINE_HEIGHT * count(lines.unwrap_or(1)),
            layout: Layout {
                boxes: boxes.collect(),
                ..Layout::default()
            },
        }
    }

    /// The bar under which a node stands: its first; below them all, if it has none.
    fn band(&self, node: &Node) -> usize {
        let places = node
            .interfaces
            .iter()
            .filter_map(|i| self.bar(&i.attachment));
        places.min().unwrap_or(self.segments.len())
    }

    fn bar(&self, attachment: &Attachment) -> Option<usize> {
        self.segments
            .iter()
            .position(|segment| *segment == attachment)
    }

    fn place_nodes(&mut self) {
        let topology = self.topology;
        let mut left = MARGIN;
        for (node, own) in topology.nodes.iter().zip(&mut self.layout.boxes) {
            if !is_leaf(node) {
                own.x = left;
                left += own.width + SPACE;
            }
        }
        let mut y = MARGIN;
        for band in 0..=self.segments.len() {
            let here = |place: &usize| self.band(&topology.nodes[*place]) == band;
            let all: Vec<usize> = (0..topology.nodes.len()).filter(here).collect();
            let is_empty = all.is_empty();
            let (leaves, columns): (Vec<usize>, Vec<usize>) = all
                .into_iter()
                .partition(|place| is_leaf(&topology.nodes[*place]));
            let width = self.widest(&leaves);
            let above = if leaves.len() > ROW {
                leaves.len() / 2
            } else {
                0
            };
            let (above, below) = leaves.split_at(above);
            if !above.is_empty() {
                y = self.place_leaves(above, (left, y), width) + self.gap;
            }
            if let Some(segment) = self.segments.get(band) {
                let bar = self.new_bar(segment, y);
                self.layout.bars.push(bar);
                y += if is_empty {
                    LINE_HEIGHT * 2.0
                } else {
                    self.gap
                };
            }
            let mut bottom = self.place_leaves(below, (left, y), width);
            for place in columns {
                let own = &mut self.layout.boxes[place];
                own.y = y;
                bottom = bottom.max(y + own.height);
            }
            y = if is_empty { y } else { bottom + self.gap };
        }
    }

    /// Nodes on one network, in a row of columns that wide. Returns where it ends.
    fn place_leaves(&mut self, leaves: &[usize], (left, top): (f64, f64), width: f64) -> f64 {
        let mut bottom = top;
        for (column, place) in leaves.iter().enumerate() {
            let own = &mut self.layout.boxes[*place];
            own.x = left + count(column) * (width + SPACE);
            own.y = top;
            bottom = bottom.max(top + own.height);
        }
        bottom
    }

    /// The widest of these nodes, or of their edges' labels.
    fn widest(&self, leaves: &[usize]) -> f64 {
        let widths = leaves.iter().map(|place| {
            let edges = edges_width(self.topology.nodes[*place].interfaces.iter());
            edges.max(self.layout.boxes[*place].width)
        });
        widths.fold(0.0, f64::max)
    }

    /// Each interface of a node has its own place along the box's upper or lower edge.
    fn place_edges(&mut self) {
        let topology = self.topology;
        for (place, node) in topology.nodes.iter().enumerate() {
            let own = &self.layout.boxes[place];
            let (top, bottom) = (own.y, own.y + own.height);
            let mut along_top = own.x + SPACE;
            let mut along_bottom = own.x + SPACE;
            for interface in &node.interfaces {
                let Some(bar) = self.bar(&interface.attachment) else {
                    continue;
                };
                let bar = &mut self.layout.bars[bar];
                let is_up = bar.y < top;
                let (along, node_y) = if is_up {
                    (&mut along_top, top)
                } else {
                    (&mut along_bottom, bottom)
                };
                let x = *along;
                *along += edges_width(std::iter::once(interface));
                let beyond = if bar.is_wire { 0.0 } else { SPACE };
                bar.left = bar.left.min(x - beyond);
                bar.right = bar.right.max(x + beyond);
                self.layout.edges.push(Edge {
                    x,
                    node_y,
                    bar_y: bar.y,
                    label: label::edge(interface),
                });
            }
        }
    }

    fn new_bar(&self, segment: &Attachment, y: f64) -> Bar {
        let (title, subnets, is_wire) = match segment {
            Attachment::Network(name) => {
                let network = self.topology.networks.get(name);
                let subnets = network.map(|network| label::subnets(&network.subnets));
                (name.to_string(), subnets.unwrap_or_default(), false)
            }
            Attachment::Link(place) => {
                let link = self.topology.links.get(*place);
                let subnets = link.map(|link| label::subnets(&link.subnets));
                (String::new(), subnets.unwrap_or_default(), true)
            }
        };
        Bar {
            title,
            subnets,
            is_wire,
            left: f64::INFINITY,
            right: f64::NEG_INFINITY,
            y,
        }
    }

    fn finish(mut self) -> Layout {
        let layout = &mut self.layout;
        let boxes = layout.boxes.iter().map(|b| (b.x + b.width, b.y + b.height));
        let bars = layout.bars.iter().map(|bar| {
            let text = bar.title.chars().count() + bar.subnets.chars().count() + 3;
            (bar.right + CHARACTER * count(text), bar.y)
        });
        let edges = layout
            .edges
            .iter()
            .map(|w| (w.x + text_width(&w.label) + 8.0, w.bar_y));
        let ends = boxes.chain(bars).chain(edges);
        let (x, y) = ends.fold((0.0, 0.0), |(x, y): (f64, f64), (a, b)| {
            (x.max(a), y.max(b))
        });
        (layout.width, layout.height) = (x + MARGIN, y + MARGIN);
        self.layout
    }
}

/// Whether a node is on one network at most, and hangs below it.
fn is_leaf(node: &Node) -> bool {
    node.interfaces.len() < 2
}

/// A box holds its text, and the ends of its edges with their labels.
fn width_of(node: &Node) -> f64 {
    let mut lines = label::addresses(node);
    lines.push(node.name.to_string());
    let edges = if is_leaf(node) {
        0.0
    } else {
        edges_width(node.interfaces.iter())
    };
    (text_width(&lines) + 20.0).max(edges).max(96.0)
}

/// The room that edges need with their labels.
fn edges_width<'a>(interfaces: impl Iterator<Item = &'a Interface>) -> f64 {
    interfaces
        .map(|interface| text_width(&label::edge(interface)) + SPACE)
        .sum()
}

/// The width of the longest line.
fn text_width(lines: &[String]) -> f64 {
    let longest = lines.iter().map(|line| line.chars().count()).max();
    CHARACTER * count(longest.unwrap_or_default())
}

/// A small number as one of pixels.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

/// The width of a character of the 12 pixels monospaced font, and a line's height.
const CHARACTER: f64 = 7.3;
pub(super) const LINE_HEIGHT: f64 = 15.0;

/// Around everything, and between nodes.
const MARGIN: f64 = 28.0;
const SPACE: f64 = 26.0;

/// The most nodes that all hang below their bar.
const ROW: usize = 6;
