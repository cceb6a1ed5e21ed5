//! Resources that control groups limit.

/// A controller: the part of the kernel that limits a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Memory.
    Memory,
    /// Processor time.
    Cpu,
    /// Processes and threads.
    Pids,
}

/// A limit, for its controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Bytes, swap included.
    Memory(u64),
    /// Thousandths of a processor.
    MilliCpus(u32),
    /// Processes and threads.
    Pids(u32),
}

impl Controller {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "memory" => Some(Self::Memory),
            "cpu" => Some(Self::Cpu),
            "pids" => Some(Self::Pids),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Pids => "pids",
        }
    }
}

impl Limit {
    /// Returns the controller that enforces it.
    pub fn controller(self) -> Controller {
        match self {
            Self::Memory(_) => Controller::Memory,
            Self::MilliCpus(_) => Controller::Cpu,
            Self::Pids(_) => Controller::Pids,
        }
    }
}
