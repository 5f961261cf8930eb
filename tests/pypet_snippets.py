"""Snippets that run in pypet and in xpet: what to set up, and expressions that are looked at one after the other.

`pet` is the package. Only what both should do is here; rows of docs/pypet-compatibility.md
that are *same* are held to it.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

TREE = """
traj = pet.Trajectory('study', comment='a study')
traj.f_add_parameter('cell.tau', 20.0, comment='in ms')
traj.f_add_parameter('cell.soma.size', 3)
traj.f_add_parameter('name', 'x')
traj.f_add_config('machine.cores', 4, comment='of it')
traj.f_add_derived_parameter('weights.w', 0.5)
traj.f_add_result('stats.z', 1.5, count=2, comment='some')
traj.f_add_result('stats.one', 7)
"""
EXPLORED = (
    TREE
    + """
traj.f_explore({'tau': [10.0, 20.0, 40.0], 'size': [1, 2, 3]})
"""
)
RUN = """
traj = pet.Trajectory('study', filename=f'{folder}/study.hdf5')
traj.f_add_parameter('g.x', 1.0, comment='in mV')
traj.f_add_parameter('y', 1)
traj.f_add_derived_parameter('vec.$.v', 3)
traj.f_explore({'x': [1.0, 2.0, 3.0], 'y': [4, 5, 6]})
env = pet.Environment(traj, log_config=None)
seen = []
def look(traj, *asked):
    traj.f_add_result('z', traj.x)
    seen.append([looked_at(each, {'traj': traj, 'pet': pet, 'seen': seen}) for each in asked])
    return traj.x * 2
"""
IN_RUN = [
    "traj.v_is_run", "traj.v_idx", "traj.v_crun", "traj.v_crun_", "traj.x", "traj.y", "len(traj)", "traj.z",
    "traj.f_get('z')", "traj.f_get('x').v_locked", "traj.vec.crun.v", "traj.f_add_result('a.b', 1)",
    "traj.f_add_result('$.c', 1)", "traj.f_add_result('h.$.d', 1)", "traj.f_add_result('$set.$.e', 1)",
    "traj.f_add_result('results.f$', 1)", "traj.results.f_add_result('g', 1)", "traj.f_add_derived_parameter('i', 1)",
    "traj.f_add_result_group('j')", "traj.f_contains('z', shortcuts=True)", "traj.res.crun.z",
    "traj.f_add_parameter('k', 1)", "traj.f_apar('k', 1)", "traj.f_add_config('k', 1)", "traj.f_aconf('k', 1)",
    "traj.f_add_parameter_group('k')", "traj.f_explore({'y': [1]})", "traj.f_expand({'y': [1]})", "traj.f_shrink()",
    "traj.f_set_crun(0)", "setattr(traj, 'v_idx', 0)", "list(traj.f_iter_runs())", "traj.f_get_from_runs('z')",
    "traj.f_is_completed()", "traj.f_is_empty()", "traj.f_lock_parameters()", "traj.f_preset_parameter('k', 1)",
    "traj.f_restore_default()", "setattr(traj, 'v_comment', 'x')", "setattr(traj, 'v_full_copy', True)",
    "setattr(traj, 'x', 3.0)", "'f_explore' in dir(traj)", "'f_get' in dir(traj)",
]  # fmt: skip
PARAMETER = "p = pet.Parameter('g.x', 5, comment='five')"
RESULT = "r = pet.Result('g.z', 1, 2.5, a='text', comment='some')"

SNIPPETS: dict[str, tuple[str, list[str]]] = {
    "adding": (
        "traj = pet.Trajectory('study')",
        ["traj.f_add_parameter_group('g', comment='mine')", "traj.f_add_config_group('g')", "traj.f_aconf('g.c', 1)",
         "traj.f_add_config('g.d', 1)", "traj.f_apar('g.p', 2)", "traj.parameters.f_add_parameter_group('h')",
         "traj.f_add_derived_parameter_group('g')", "traj.f_add_derived_parameter('g.e', 3)", "traj.f_adpar('f', 4)",
         "traj.f_add_result_group('g')", "traj.f_add_result('g.r', 5)", "traj.f_ares('s', 6)",
         "traj.f_add_group('own.deep')", "traj.f_add_leaf('own.deep.leaf', 7)", "traj.results.f_add_leaf('t', 8)",
         "traj.f_add_result(pet.Result('obj', 1))", "traj.f_add_result(pet.PickleResult, 'pick', 1)",
         "traj.f_add_parameter('g.p', 3)", "traj.f_add_parameter()", "traj.f_add_parameter('no good', 1)",
         "traj.f_add_parameter(name='named', data=3)", "traj.parameters.f_add_result('x', 1)",
         "traj.f_to_dict(fast_access=True)", "traj.config.f_add_config('under', 1)",
         "traj.config.f_add_config_group('under_group')", "traj.dpar.f_add_derived_parameter('under', 1)",
         "traj.dpar.f_add_derived_parameter_group('under_group')", "traj.res.f_add_result('under', 1)",
         "traj.res.f_add_result_group('under_group')", "traj.config.f_aconf('short', 1)",
         "traj.dpar.f_adpar('short', 1)", "traj.res.f_ares('short', 1)"],
    ),
    "getting": (
        TREE,
        ["traj.tau", "traj.f_get('tau')", "traj.f_get('tau', fast_access=True)", "traj['cell.tau']", "traj.par.cell",
         "traj.f_get_default('no', 3)", "traj.f_get_default('tau', 3)", "traj.nothing", "'tau' in traj",
         "traj.f_contains('tau')", "traj.f_contains('tau', shortcuts=True)", "'nothing' in traj",
         "traj.f_get('cell.tau', shortcuts=False)", "traj.f_get('parameters.cell.tau', shortcuts=False)",
         "traj.f_get('tau', max_depth=2)", "traj.f_get('tau', max_depth=3)", "traj.f_get_all('tau')",
         "traj.f_get_parameters()", "traj.f_get_parameters(fast_access=True)", "traj.f_get_config()",
         "traj.f_get_derived_parameters(fast_access=True)", "traj.f_get_results()",
         "traj.f_get_parameters(fast_access=True, copy=False)", "traj.z", "traj.one", "traj.stats.z.count",
         "traj.f_get('cell').f_get_parent()", "traj.f_get_parent()", "traj.conf.cores",
         "traj.conf.machine.f_get('cores')",
         "traj.kids.parameters", "traj.par.kids.cell", "traj.vars.name", "traj.func.get_class_name()",
         "traj.f_get_class_name()", "traj.par.f_get_class_name()", "traj._private"],
    ),
    "walking": (
        TREE,
        ["traj.f_children()", "traj.f_groups()", "traj.f_leaves()", "traj.f_links()", "traj.f_has_children()",
         "traj.f_has_groups()", "traj.f_has_leaves()", "traj.f_has_links()", "traj.par.f_get_children()",
         "traj.par.f_get_groups()", "traj.par.f_get_leaves()", "traj.par.f_get_links()", "sorted(traj.f_dir_data())",
         "sorted(n.v_full_name for n in traj.f_iter_nodes())", "sorted(n.v_full_name for n in traj.f_iter_leaves())",
         "sorted(n.v_full_name for n in traj.f_iter_nodes(recursive=False))",
         "sorted(n.v_full_name for n in traj.f_iter_nodes(max_depth=2))",
         "sorted(n.v_full_name for n in traj.f_iter_nodes(predicate=lambda n: n.v_name != 'cell'))",
         "[n.v_name for n in traj.par]", "traj.f_to_dict()", "traj.f_to_dict(short_names=True, fast_access=False)",
         "traj.par.f_to_dict(nested=True)", "traj.f_to_dict(nested=True, short_names=True)",
         "traj.f_to_dict(fast_access=True, copy=False)", "traj.par.f_to_dict(fast_access=True)",
         "traj.f_debug() is None", "traj.f_is_empty()"],
    ),
    "places": (
        TREE,
        [f"{node}.{name}"
         for node in ("traj", "traj.par", "traj.f_get('cell')", "traj.f_get('tau')", "traj.f_get('stats.z')")
         for name in ("v_name", "v_full_name", "v_location", "v_depth", "v_branch", "v_run_branch", "v_is_leaf",
                      "v_is_group", "v_is_root", "v_comment")]
        + ["traj.par.v_root is traj", "traj.f_get('tau').v_is_parameter", "traj.f_get('stats.z').v_is_parameter",
           "traj.f_get('tau').v_stored", "traj.f_get('tau').f_get_class_name()", "traj.f_get('tau').vars.full_name",
           "traj.f_get('tau').func.get()", "setattr(traj, 'v_comment', 'other') or traj.v_comment"],
    ),
    "times": (
        TREE,
        ["type(traj.v_timestamp)", "len(traj.v_time)", "traj.f_copy().v_time == traj.v_time", "traj.vars.time[:2]",
         "setattr(traj, 'v_time', 'x')", "setattr(traj, 'v_timestamp', 1.0)",
         "(lambda t: t.v_name == 'x_' + t.v_time)(pet.Trajectory('x', add_time=True))"],
    ),
    "settings": (
        TREE,
        [f"traj.{name}" for name in ("v_fast_access", "v_shortcuts", "v_max_depth", "v_with_links", "v_iter_recursive",
                                     "v_no_clobber", "v_auto_run_prepend", "v_is_run", "v_idx", "v_crun", "v_crun_",
                                     "v_full_copy")]
        + ["traj.v_standard_parameter.__name__", "traj.v_standard_result.__name__", "traj.v_standard_leaf.__name__",
           "traj.f_set_properties(fast_access=False, v_max_depth=5)", "traj.tau", "traj.v_max_depth",
           "traj.f_set_properties(nothing=3)", "setattr(traj, 'v_shortcuts', False)", "traj.tau",
           "traj.parameters.cell.tau", "setattr(traj, 'v_shortcuts', True)",
           "setattr(traj, 'v_iter_recursive', True)", "len(list(traj.par))", "setattr(traj, 'v_no_clobber', True)",
           "setattr(traj, 'v_standard_parameter', pet.ArrayParameter)", "traj.f_add_parameter('array', (1, 2))",
           "setattr(traj, 'v_standard_result', pet.PickleResult)", "traj.f_add_result('pick', 1)",
           "setattr(traj, 'v_standard_leaf', pet.PickleResult)", "traj.f_add_leaf('mine.leaf', 1)",
           "traj.f_add_to_dynamic_imports(pet.PickleResult)", "traj.f_add_to_dynamic_imports(3)"],
    ),
    "exploring": (
        TREE,
        ["len(traj)", "traj.f_explore({'tau': [1.0, 2.0], 'size': [1]})", "traj.f_explore({'tau': [1, 2]})",
         "traj.f_explore({'tau': []})", "traj.f_explore({'no': [1]})", "traj.f_explore({'cell': [1]})", "len(traj)",
         "traj.f_explore(pet.cartesian_product({'tau': [1.0, 2.0], 'size': [1, 2]}))", "len(traj)",
         "traj.f_get_explored_parameters()", "traj.f_get_explored_parameters(fast_access=True)",
         "traj.f_get('size').f_get_range()", "traj.f_explore({'tau': [1.0]})", "traj.f_expand({'tau': [5.0]})",
         "traj.f_expand({'tau': [5.0, 6.0], 'size': [7, 8]})", "len(traj)", "traj.f_get_run_names()",
         "traj.f_idx_to_run(5)", "traj.f_idx_to_run('run_00000002')", "traj.f_idx_to_run(6)",
         "list(traj.f_find_idx('tau', lambda tau: tau > 1.5))",
         "list(traj.f_find_idx(['tau', 'size'], lambda tau, size: tau > size))",
         "list(traj.f_find_idx(['tau', 'name'], lambda tau, name: name == 'x'))",
         "list(traj.f_find_idx('stats.z', bool))", "traj.f_is_completed()", "bool(traj.f_is_completed(0))",
         "traj.f_shrink()", "len(traj)", "traj.f_get_explored_parameters()"],
    ),
    "products": (
        "traj = None",
        ["pet.cartesian_product({'a': [1, 2], 'b': ['x', 'y', 'z']})",
         "pet.cartesian_product({'a': [1, 2], 'b': [3, 4], 'c': [5, 6]}, ('c', ('a', 'b')))",
         "pet.find_unique_points([])"],
    ),
    "selecting": (
        EXPLORED,
        ["traj.tau", "traj.f_set_crun(1)", "traj.tau", "traj.v_idx", "traj.v_crun", "traj.v_crun_",
         "traj.f_set_crun(9)",
         "setattr(traj, 'v_crun', 'run_00000002')", "traj.size", "setattr(traj, 'v_idx', 0)", "traj.size",
         "traj.f_restore_default()", "traj.v_idx", "traj.v_crun", "traj.v_crun_", "traj.size",
         "[(name, traj.tau) for name in traj.f_iter_runs()]", "list(traj.f_iter_runs(1, yields='idx'))",
         "[each.tau for each in traj.f_iter_runs(yields='self')]",
         "[each.tau for each in traj.f_iter_runs(yields='copy')]",
         "list(traj.f_iter_runs(0, 3, 2))", "list(traj.f_iter_runs(stop=9))", "list(traj.f_iter_runs(-1))",
         "traj.f_idx_to_run(-1)", "traj.f_idx_to_run('run_ALL')", "list(traj.f_iter_runs(2, 0, -1))",
         "list(traj.f_iter_runs(yields='no'))",
         "traj.v_idx"],
    ),
    "runs in memory": (
        EXPLORED
        + """
for idx in range(3):
    traj.f_add_result(f'runs.run_{idx:08d}.z', idx * 10)
traj.f_add_result('runs.run_00000001.y', 'only')
""",
        ["traj.f_get_from_runs('z', fast_access=True)", "traj.f_get_from_runs('z', fast_access=True, use_indices=True)",
         "traj.f_get_from_runs('y', fast_access=True)", "traj.f_get_from_runs('no')", "traj.res.runs.r_1.z",
         "traj.res.runs[2].z", "traj.run_1.z", "traj.f_set_crun(1)", "traj.res.crun.z", "traj['$.z']", "traj.crun.z",
         "sorted(n.v_full_name for n in traj.f_iter_nodes(predicate=(1,)) if n.v_is_leaf)",
         "traj.f_get('runs.run_00000001.z').v_run_branch"],
    ),
    "wildcards": (
        EXPLORED,
        ["sorted(traj.f_get_wildcards())", "traj.f_is_wildcard('$')", "traj.f_is_wildcard('crun')",
         "traj.f_is_wildcard('no')", "traj.f_wildcard()", "traj.f_wildcard('$', 2)", "traj.f_wildcard('$set', 2)",
         "traj.f_wildcard('crunset')", "traj.f_add_wildcard_functions({('$my', 'my'): lambda idx: f'my_{idx}'})",
         "traj.f_wildcard('$my', 1)", "traj.f_is_wildcard('my')", "traj.f_add_result('g.$.r', 1)",
         "traj.f_add_result('h.$set.$.r', 1)", "traj.f_add_result('i.$my.r', 1)"],
    ),
    "links": (
        TREE,
        ["traj.f_add_link('short', 'parameters.cell')", "traj.short.tau", "traj.f_has_links()", "traj.f_links()",
         "traj.f_get_links()", "traj.f_get('short.tau')", "traj.f_get('short', with_links=False)",
         "traj.par.f_add_link(traj.f_get('one'))", "traj.par.one", "traj.par.f_get_links()",
         "traj.f_add_link('parameters', 'results')", "traj.f_add_link('root', traj)",
         "traj.f_add_link('cut', 'tau')", "traj.f_get('cut')", "traj.f_add_link('none', 'nothing')",
         "traj.f_remove_link('short')",
         "traj.f_remove_link('short')", "traj.f_has_links()", "traj.f_remove_item('stats.one')", "traj.par.f_links()"],
    ),
    "links beside children": (
        TREE + "traj.f_add_link('ln', 'parameters.cell')\ntraj.res.f_add_link('lz', traj.f_get('one'))",
        ["traj.f_get_groups()", "traj.f_groups()", "traj.f_has_groups()", "traj.res.f_get_leaves()",
         "traj.res.f_leaves()", "traj.res.f_has_leaves()", "traj.res.f_get_children()", "traj.res.f_children()",
         "traj.f_get('stats.z').v_name", "traj.__setitem__('stats.z.count', 6)", "traj.z.count",
         "traj.__setitem__('cell.tau.data', 6)", "traj.f_set_crun(1.5)"],
    ),
    "removing": (
        TREE,
        ["traj.f_remove_child('parameters')", "traj.par.f_remove_child('no')", "traj.par.f_remove_child('name')",
         "traj.f_contains('name', shortcuts=True)", "traj.f_remove_item('stats')", "traj.f_remove_item('stats.z')",
         "traj.f_remove_items(['stats.one', 'weights.w'])", "traj.f_contains('results.stats')",
         "traj.f_remove_item('results.stats')", "traj.f_get('cell').f_remove()", "traj.f_to_dict()", "traj.f_remove()",
         "traj.f_to_dict()", "traj.f_remove(recursive=False)"],
    ),
    "locking": (
        TREE,
        ["traj.f_get('size').v_locked", "traj.f_lock_parameters()", "traj.f_get('size').v_locked",
         "traj.f_get('w').v_locked", "traj.f_lock_derived_parameters()", "traj.f_get('w').v_locked",
         "setattr(traj, 'size', 4)", "traj.f_get('size').f_unlock()", "setattr(traj, 'size', 4)", "traj.size"],
    ),
    "presets": (
        "traj = pet.Trajectory('study')\ntraj.f_add_parameter('there', 1)",
        ["traj.f_preset_parameter('g.x', 5)", "traj.f_preset_config('c', 6)", "traj.f_preset_parameter('there', 2)",
         "traj.f_add_parameter('g.x', 1)", "traj.x", "traj.f_add_config('c', 1)", "traj.c"],
    ),
    "copying": (
        EXPLORED,
        ["traj.f_copy().f_to_dict(fast_access=True)", "len(traj.f_copy())",
         "traj.f_copy().f_get('tau') is traj.f_get('tau')",
         "__import__('copy').copy(traj).tau", "traj.f_copy().f_get_explored_parameters().keys()"],
    ),
    "annotations": (
        TREE,
        ["traj.v_annotations.f_is_empty()", "traj.par.f_set_annotations('first', 2, note='x')",
         "traj.par.v_annotations.note",
         "traj.par.v_annotations[0]", "traj.par.v_annotations[1]", "traj.par.f_get_annotations('note')",
         "traj.par.f_get_annotations('note', 'annotation')", "traj.par.f_get_annotations()", "traj.par.f_ann_to_str()",
         "traj.par.v_annotations.f_to_dict()", "traj.par.v_annotations.f_ann_to_str()",
         "traj.par.v_annotations.f_get('no')",
         "traj.par.v_annotations.f_set(more=3)", "traj.par.v_annotations.f_set_single('single', 4)",
         "traj.par.v_annotations.f_remove('more')", "list(traj.par.v_annotations)", "'note' in traj.par.v_annotations",
         "traj.par.v_annotations.f_empty()", "traj.par.v_annotations.f_is_empty()",
         "traj.f_get('tau').f_set_annotations(unit='ms')", "traj.f_get('tau').f_get_annotations()",
         "traj.f_get('tau').f_ann_to_str()"],
    ),
    "a parameter": (
        PARAMETER,
        ["p.f_get_default()", "len(p)", "p.v_explored", "p.f_has_range()", "p.v_locked", "p.f_get()", "p.v_locked",
         "p.f_set(6)", "p.f_unlock()", "p.f_set(6)", "p.f_get()", "p.f_val_to_str()", "p.f_supports(3)",
         "p.f_get_range()", "p.f_get_range_length()", "p.f_supports_fast_access()", "p.f_is_empty()", "p.f_empty()",
         "p.f_unlock() or p.f_empty()", "p.f_is_empty()", "p.f_get()", "p.f_supports_fast_access()", "len(p)",
         "p.f_lock()", "p.v_locked", "p.v_full_copy", "p.f_get_class_name()", "p.v_name", "p.v_location", "p.data",
         "p.nothing", "pet.ArrayParameter('a', (1, 2)).f_supports((1, 2))",
         "pet.PickleParameter('a', {}).f_supports({})",
         "pet.SparseParameter('a', 1).f_supports(2)", "pet.PickleParameter('a', {}, protocol=3).v_protocol"],
    ),
    "an explored parameter": (
        EXPLORED + "p = traj.f_get('tau')",
        ["len(p)", "p.v_explored", "p.f_has_range()", "p.f_get_range()", "p.f_get_range_length()", "p[1]", "p[-1]",
         "p['default']", "p.f_get_default()", "p.f_unlock() or p.f_set(3.0)", "p.f_val_to_str()"],
    ),
    "setting": (
        TREE,
        ["setattr(traj, 'tau', 5.0)", "traj.tau", "setattr(traj, 'tau', 6.0)", "traj.f_get('tau').v_locked",
         "setattr(traj, 'nothing', 3)", "setattr(traj, 'cell', 3)", "setattr(traj, 'one', 8)", "traj.one",
         "setattr(traj, 'z', 8)", "traj.__setitem__('stats.one', 9)", "traj.one",
         "traj['cell.soma'].__setitem__('size', 2)",
         "traj.f_get('size').f_get_default()", "setattr(traj, 'f_get', 3)", "setattr(traj, 'v_name', 'x')",
         "setattr(traj.par, 'new', pet.Parameter('', 3))", "traj.par.new",
         "setattr(traj.par, 'link', traj.f_get('cell'))",
         "traj.par.link.tau", "setattr(traj.par, 'other', pet.Parameter('different', 3))",
          "traj.f_add_group('_x')", "traj.f_add_parameter('a' * 128, 1)",
         "traj.f_add_parameter('a' * 127, 1).v_name == 'a' * 127", "traj.f_add_parameter('run_5.x', 1)"],
    ),
    "placing": (
        "traj = pet.Trajectory('study')",
        ["traj.f_add_result('a.b', 1)", "traj.f_add_result('$.a', 1)", "traj.f_add_result('g.$.a', 1)",
         "traj.f_add_result('$set.$.a', 1)", "traj.f_add_result('results.c', 1)", "traj.f_add_result('res.d', 1)",
         "traj.f_add_result('runs.q', 1)", "traj.results.f_add_result('e', 1)", "traj.f_add_result('r_3.x', 1)",
         "traj.f_add_result('rts_4042.x', 1)", "traj.f_add_derived_parameter('dpar.f', 1)",
         "traj.f_add_config('conf.g', 1)",
         "traj.f_add_leaf('parameters.h', 1)", "traj.f_add_group('results.i')"],
    ),
    "in a run": (
        RUN + f"asked = {IN_RUN!r}",
        ["[value for _, value in env.run(look, *asked)]",
         "seen[0]", "seen[2]", "traj.v_is_run", "traj.v_idx", "traj.x", "list(env.run(look))",
         "bool(traj.f_is_completed())",
         "traj.f_explore({'y': [1, 2, 3]})", "traj.f_expand({'x': [9.0], 'y': [9]})", "len(traj)",
         "list(env.run(look))"],
    ),
    "loading": (
        RUN + "list(env.run(look))",
        ["pet.load_trajectory('study', filename=f'{folder}/study.hdf5', load_results=2).res.runs.r_2.z",
         "pet.load_trajectory(index=0, filename=f'{folder}/study.hdf5').v_name",
         "pet.load_trajectory(index=3, filename=f'{folder}/study.hdf5')",

         "pet.load_trajectory(name='study', index=0, filename=f'{folder}/study.hdf5')",
         "scope.update(traj=pet.load_trajectory(name='study', filename=f'{folder}/study.hdf5', load_results=2))",
         "len(traj)",
         "traj.x", "traj.f_get('x').v_comment", "traj.f_get('x').f_get_range()", "traj.f_get('x').v_locked",
         "traj.res.runs.r_1.z", "list(traj.f_find_idx('y', lambda y: y > 4))", "traj.f_get_explored_parameters()",
         "bool(traj.f_is_completed())", "bool(traj.f_is_completed(1))", "traj.f_get_run_information(1)['completed']",
         "traj.f_get_run_information(1)['parameter_summary']", "traj.f_get('vec.run_ALL.v')", "traj.v_stored"],
    ),
    "a result": (
        RESULT,
        ["r.f_to_dict()", "list(r)", "r.z", "r.z_1", "r[0]", "r[1]", "r['a']", "r.a", "r.f_get()", "r.f_get('a')",
         "r.f_get('a', 'z')", "r.f_get('no')", "r.no", "'a' in r", "r.f_translate_key(0)", "r.f_translate_key(3)",
         "r.f_set(b=3)", "r.f_set_single('c', 4)", "setattr(r, 'd', 5)", "r.d", "r.f_remove('b')", "r.f_remove('b')",
         "r.f_to_dict()", "r.f_val_to_str()", "r.f_supports_fast_access()", "r.f_is_empty()", "r.f_empty()",
         "r.f_is_empty()", "r.f_get()", "r.f_set(1)", "r.f_supports_fast_access()", "r.f_get()",
         "pet.PickleResult('a', slice(3), protocol=2).v_protocol", "pet.PickleResult('a').f_set_single('b', 3)",
         "pet.SparseResult('a', 3).f_get()", "pet.SparseResult('a').f_set_single('b', 3)"],
    ),
    "more of parameters": (
        "import numpy as np\ntraj=pet.Trajectory('s')\np=traj.f_add_parameter('p',5,comment='c')\nq=pet.Parameter('q')",
        ["q.f_is_empty()", "q.f_get()", "q.f_get_default()", "q.f_set(3)", "q.f_get()", "q.f_get_range()", "q[0]",
         "q['data']", "q['default']", "q[-1]", "q.data", "q.default", "setattr(q, 'data', 4)", "setattr(q, 'x', 4)",
         "q.f_lock()", "q.f_set(3)", "q.f_empty()", "q.f_unlock()", "q.f_set('text')", "q.f_get()", "q.f_unlock()",
         "q.f_set([1, 2])", "q.f_get()", "q.f_unlock()", "q.f_set(np.float64(3.5))", "type(q.f_get()).__name__",
         "str(pet.Parameter('a.b', 1, 'com'))", "str(p)", "repr(p)", "p.f_val_to_str()", "p.v_comment",
         "setattr(p, 'v_full_copy', True)", "p.v_full_copy", "p.f_supports({1:2}) is not None", "len(q)",
         "p.v_branch", "q.v_location", "q.v_run_branch", "pet.Parameter('g.q', 1).v_location",
         "pet.Parameter('g.q', 1).v_full_name", "q.f_get_parent()", "q.kids", "p.v_root", "bool(q)", "p.nope",
         "q in traj", "p in traj", "pet.ArrayParameter('a', np.zeros(3)).f_val_to_str() != ''",
         "pet.ArrayParameter('a', (1, 2)).f_get()", "pet.PickleParameter('a', {'x':1}).f_get()"],
    ),
    "prefixes": (
        "import numpy as np\ntraj=pet.Trajectory('s')\ntraj.f_add_parameter('g.x',1)",
        ["traj.vars.fast_access", "setattr(traj.vars, 'fast_access', False)", "traj.v_fast_access", "traj.vars.nope",
         "traj.func.get('x')", "traj.func.nope", "traj.func.add_parameter('z', 1)", "traj.kids.parameters",
         "traj.kids.x", "traj.par.kids.g.kids.x", "traj.par.kids.nope", "dir(traj.vars)!=[]",
         "'x' in dir(traj.par.g)", "'f_get' in dir(traj)", "'parameters' in dir(traj)", "traj.f_get('x').vars.name",
         "traj.f_get('x').func.val_to_str()", "setattr(traj.kids, 'y', 3)", "setattr(traj.func, 'y', 3)"],
    ),
    "links and predicates": (
        "traj = pet.Trajectory('s')\nfor name in ('a.b.c', 'a.b.d', 'a.e', 'f'):\n    traj.f_add_parameter(name, 1)\n"
        "traj.f_add_link('ln', 'parameters.a')",
        ["[n.v_full_name for n in traj.f_iter_nodes()]", "[n.v_full_name for n in traj.f_iter_leaves()]",
         "[n.v_full_name for n in traj.f_iter_nodes(with_links=False)]",
         "[n.v_full_name for n in traj.par.f_iter_nodes(max_depth=1)]",
         "[n.v_full_name for n in traj.par.f_iter_nodes(max_depth=0)]", "[n.v_full_name for n in traj]",
         "traj.par.f_to_dict(nested=True, fast_access=True)",
         "traj.par.f_to_dict(short_names=True, fast_access=True)",
         "traj.f_to_dict(with_links=False, fast_access=True)", "traj.par.f_to_dict(with_links=False)",
         "[n.v_full_name for n in traj.f_iter_leaves()]", "traj.par.f_remove(recursive=False)",
         "traj.par.a.f_remove(recursive=True)", "traj.f_links()", "[n.v_full_name for n in traj.f_iter_leaves()]",
         "traj.par.f_remove(predicate=lambda n: False)", "traj.f_contains('parameters')", "traj.par.f_remove()",
         "traj.f_contains('parameters')"],
    ),
    "no clobber": (
        "import numpy as np\ntraj=pet.Trajectory('s')\ntraj.v_no_clobber=True\ntraj.f_add_parameter('x',1)",
        ["traj.f_add_parameter('x', 2)", "traj.x", "traj.f_add_result('x', 2)", "traj.f_add_parameter_group('x')",
         "traj.f_add_parameter('x.y', 1)", "traj.f_add_link('parameters', 'x')"],
    ),
}  # fmt: skip


def results(pet: Any, name: str, folder: object) -> list[str]:
    """Run a snippet in a package and show what each of its expressions gives; stores go to the folder."""
    setup, expressions = SNIPPETS[name]
    scope: dict[str, Any] = {"pet": pet, "folder": folder, "looked_at": looked_at}
    scope["scope"] = scope
    exec(setup, scope)
    return [looked_at(expression, scope) for expression in expressions]


def looked_at(expression: str, scope: dict[str, Any]) -> str:
    """Show a value, or the classes of an exception."""
    try:
        return shown(eval(expression, scope))
    except Exception as error:
        return "raises " + " ".join(one.__name__ for one in type(error).__mro__[:-2])


def shown(value: Any) -> str:
    """Show a value so that both packages show it alike."""
    if hasattr(type(value), "v_full_name"):
        return f"<{type(value).__name__} {value.v_full_name}>"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {shown(each)}" for key, each in sorted(value.items(), key=str)) + "}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(shown, value))})"
    if isinstance(value, Iterator) or type(value).__name__ in ("dict_keys", "odict_keys"):
        return shown(sorted(value))
    return repr(value) if type(value).__name__ in dir(builtins) or value is None else type(value).__name__
