//! What random steps have found: the least steps that once led to something else than the model says.

use super::run;
use super::steps::Edit::{Alias, Delete, Save, Swap};
use super::steps::Form::{Init, Lua, Luau, Same};
use super::steps::How::Replaced;
use super::steps::Step::{Admin, Files, Late, WhileOff};
use super::steps::{Draft, Edit, Step, Target};

fn leads_to_what_the_model_says(steps: &[Step]) {
    if let Err(difference) = run(steps) {
        panic!("step {}, {}", difference.step, difference.what);
    }
}

fn save(file: usize, uses: &[Target]) -> Edit {
    Save(file, Same, draft(uses), Replaced)
}

fn draft(uses: &[Target]) -> Draft {
    Draft {
        uses: uses.to_vec(),
        ..Draft::default()
    }
}

#[test]
fn a_deleted_cog_has_no_version_in_the_report() {
    leads_to_what_the_model_says(&[Files(vec![Delete(0)])]);
}

#[test]
fn a_module_that_failed_in_a_handler_reloads_nobody_until_it_changes() {
    let broken = Draft {
        fault: 2,
        ..Draft::default()
    };
    let late = Draft {
        late: Some(Target::Optional(8)),
        ..Draft::default()
    };
    leads_to_what_the_model_says(&[
        Files(vec![Save(0, Same, late, Replaced)]),
        Files(vec![Save(8, Same, broken, Replaced)]),
        Late(0),
        Files(vec![save(9, &[])]),
        Files(vec![save(8, &[])]),
    ]);
}

#[test]
fn a_module_that_a_handler_required_may_become_an_init_file() {
    let late = Draft {
        late: Some(Target::Optional(11)),
        ..Draft::default()
    };
    leads_to_what_the_model_says(&[
        Files(vec![Save(0, Same, late, Replaced)]),
        Late(0),
        Files(vec![Swap(11, Init)]),
        Late(0),
        Files(vec![Swap(11, Luau)]),
    ]);
}

#[test]
fn an_alias_through_which_a_handler_required_may_stand_for_another_folder() {
    let late = Draft {
        late: Some(Target::Alias(0)),
        ..Draft::default()
    };
    leads_to_what_the_model_says(&[
        Files(vec![Save(0, Same, late, Replaced)]),
        Late(0),
        Files(vec![Alias(Some(1))]),
        Files(vec![Delete(7)]),
        Late(0),
    ]);
}

#[test]
fn a_reload_by_hand_that_failed_is_not_tried_again_for_what_it_did_not_come_to() {
    leads_to_what_the_model_says(&[
        Files(vec![save(11, &[Target::Alias(1), Target::File(12)])]),
        Files(vec![Delete(5)]),
        Admin(super::steps::Admin::Cog(3)),
        Files(vec![save(7, &[])]),
    ]);
}

#[test]
fn an_init_file_that_was_in_the_way_of_another_gives_its_cogs_back() {
    leads_to_what_the_model_says(&[
        Files(vec![Save(3, Luau, Draft::default(), Replaced)]),
        Files(vec![Delete(3)]),
    ]);
}

#[test]
fn a_cog_that_was_held_back_is_tried_again_when_a_module_comes_that_it_does_without() {
    let broken = Draft {
        fault: 1,
        ..Draft::default()
    };
    leads_to_what_the_model_says(&[
        Files(vec![Save(8, Lua, Draft::default(), Replaced)]),
        Files(vec![
            Save(4, Same, broken, Replaced),
            save(3, &[Target::Optional(8)]),
        ]),
        Files(vec![Swap(8, Lua)]),
    ]);
}

#[test]
fn a_cog_that_waits_is_kept_by_no_file_that_cannot_be_taken() {
    let broken = Draft {
        fault: 2,
        ..Draft::default()
    };
    leads_to_what_the_model_says(&[
        Files(vec![Delete(0), Save(10, Same, broken, Replaced)]),
        Files(vec![save(0, &[Target::File(10)])]),
        Files(vec![Save(10, Lua, Draft::default(), Replaced)]),
    ]);
}

#[test]
fn a_cog_that_an_admin_asks_for_and_whose_file_cannot_be_taken_leaves_nothing_pending() {
    leads_to_what_the_model_says(&[WhileOff(vec![
        Files(vec![Save(0, Lua, Draft::default(), Replaced)]),
        Admin(super::steps::Admin::Cog(0)),
    ])]);
}

#[test]
fn an_init_file_that_waits_still_takes_the_cogs_of_its_folder_after_another_cog_was_reloaded() {
    leads_to_what_the_model_says(&[
        Files(vec![save(4, &[])]),
        WhileOff(vec![
            Files(vec![Swap(4, Init)]),
            Admin(super::steps::Admin::Cog(0)),
        ]),
    ]);
}

#[test]
fn an_init_file_of_an_unloaded_cog_takes_the_cogs_of_its_folder_all_the_same() {
    leads_to_what_the_model_says(&[
        Admin(super::steps::Admin::Unload(3)),
        Files(vec![Delete(3)]),
        WhileOff(vec![
            Files(vec![Save(3, Init, Draft::default(), Replaced)]),
            Admin(super::steps::Admin::Cog(0)),
        ]),
    ]);
}

#[test]
fn a_handler_that_requires_the_same_again_does_not_go_over_to_newer_sources() {
    let part = |uses: &[Target], late: Target, fault: u8| {
        let draft = Draft {
            late: Some(late),
            fault,
            ..draft(uses)
        };
        Files(vec![Save(5, Same, draft, Replaced)])
    };
    let broken = Draft {
        fault: 2,
        ..Draft::default()
    };
    leads_to_what_the_model_says(&[
        Late(1),
        part(&[Target::Alias(0)], Target::File(11), 0),
        Files(vec![Save(11, Same, broken, Replaced)]),
        Admin(super::steps::Admin::Unload(1)),
        Late(6),
        part(&[Target::File(8)], Target::Alias(0), 3),
        Late(1),
    ]);
}

#[test]
fn a_cog_that_has_a_command_keeps_it_when_one_that_wants_it_is_tried_again() {
    let thief = Draft {
        steals: Some(4),
        ..draft(&[Target::File(8)])
    };
    leads_to_what_the_model_says(&[
        Files(vec![save(4, &[Target::File(8)])]),
        Files(vec![Save(1, Same, thief, Replaced)]),
        Files(vec![save(8, &[])]),
        Files(vec![save(4, &[])]),
    ]);
}

#[test]
fn a_cog_that_lacks_a_command_is_tried_again_when_a_module_changes_without_which_its_owner_does() {
    let broken = Draft {
        fault: 2,
        ..Draft::default()
    };
    let thief = Draft {
        steals: Some(4),
        ..Draft::default()
    };
    leads_to_what_the_model_says(&[
        Files(vec![Save(10, Same, broken, Replaced)]),
        Files(vec![save(4, &[Target::Optional(10)])]),
        Files(vec![Save(1, Same, thief, Replaced)]),
        Files(vec![save(10, &[])]),
    ]);
}
