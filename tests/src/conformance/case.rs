//! What a case is, and all of them.

use std::future::Future;
use std::pin::Pin;

use super::{Site, conditions, ledger, lifecycle, network, nodes, programs, serving};

/// Something that must hold on every backend whose nodes offer what it needs.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name, as a sentence.
    pub name: &'static str,
    /// What a node must offer for it.
    pub needs: &'static [Needs],
    /// Panics where it does not hold.
    pub run: fn(&Site) -> Pin<Box<dyn Future<Output = ()> + '_>>,
}

/// What nodes of some backends lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A kernel: permission bits, sockets, interfaces, limits.
    Kernel,
    /// A shell, `cat` and `sleep`.
    Shell,
}

macro_rules! cases {
    ($($module:ident :: $name:ident $needs:expr;)*) => {
        &[$(Case {
            name: stringify!($name),
            needs: $needs,
            run: |site| Box::pin($module::$name(site)),
        }),*]
    };
}

/// Every case.
pub const CASES: &[Case] = cases! {
    lifecycle::raised_nodes_answer &[];
    lifecycle::a_survey_lists_what_was_raised_and_nothing_after &[];
    lifecycle::removing_twice_is_no_error &[];
    lifecycle::two_labs_with_the_same_subnet_stand_side_by_side &[];
    lifecycle::a_dropped_lab_is_taken_away &[];
    lifecycle::a_cancelled_raise_is_taken_away &[];
    lifecycle::a_kept_lab_outlives_its_owner &[];
    lifecycle::one_process_acts_on_a_lab &[];
    lifecycle::an_unknown_node_is_named &[];
    lifecycle::a_node_that_cannot_be_configured_leaves_nothing &[Needs::Kernel];
    conditions::conditions_set_by_one_process_are_read_by_another &[];
    conditions::a_change_of_a_link_that_is_not_there_changes_nothing &[];
    conditions::changes_of_different_links_at_once_all_stay &[];
    conditions::writers_of_one_link_at_once_end_in_a_value_of_one_of_them &[];
    ledger::nothing_is_made_that_is_not_recorded &[];
    ledger::what_cannot_be_recorded_is_not_made &[];
    nodes::programs_print_and_exit &[];
    nodes::an_unknown_program_is_refused &[];
    nodes::a_signal_ends_a_program &[];
    nodes::files_come_back_as_they_went &[];
    nodes::files_that_go_at_once_come_back_as_they_went &[];
    nodes::a_folder_is_listed &[];
    nodes::a_missing_file_is_named &[];
    nodes::a_file_is_awaited &[];
    nodes::connections_are_independent &[];
    nodes::permission_bits_are_kept &[Needs::Kernel];
    nodes::a_port_is_awaited &[Needs::Kernel];
    programs::input_reaches_a_program &[Needs::Shell];
    programs::output_error_and_code_are_told_apart &[Needs::Shell];
    programs::a_flood_is_read_to_its_end &[Needs::Shell];
    programs::environment_and_folder_are_as_asked &[Needs::Shell];
    programs::a_program_ends_with_its_connection &[Needs::Shell];
    programs::a_nodes_own_command_outlives_its_connection_and_is_logged &[Needs::Shell];
    programs::orphans_are_reaped &[Needs::Shell];
    network::a_broadcast_arrives &[];
    network::interfaces_are_as_planned &[Needs::Shell];
    network::names_resolve &[Needs::Shell];
    network::a_wire_joins_two_nodes &[Needs::Shell];
    network::a_capture_sees_a_broadcast &[Needs::Kernel];
    network::labs_do_not_hear_each_other &[Needs::Kernel];
    serving::nothing_is_lost_though_workers_are_killed &[Needs::Shell];
};
