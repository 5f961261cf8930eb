"""From the tree to what the store keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.space import Shape, is_product
from xpet.store.create import NewTrajectory
from xpet.store.leaves import StaticGroup, StaticLeaf
from xpet.store.meta import Axes, Kind
from xpet.store.points import PointColumn, coordinate_names, encode_points
from xpet.trajectory.versions import writer_versions
from xpet.tree import BaseParameter, Group, Leaf, Root
from xpet.tree.node import put
from xpet.values import Labelled

if TYPE_CHECKING:
    from xpet.trajectory.trajectory import Trajectory
    from xpet.tree import Node


def new_trajectory(root: Trajectory, title: str) -> NewTrajectory:
    """All that the store must know of a trajectory that it does not have yet."""
    points = explored_points(root)
    kind, axes = first_shape(root, points)
    return NewTrajectory(
        name=root.v_name,
        comment=root.v_comment,
        n_runs=root.length,
        kind=kind,
        axes=axes,
        points=points,
        leaves=[static_leaf(leaf) for leaf in leaves(root)],
        groups=groups(root),
        writer=writer_versions(),
        title=title,
        seed=str(root.settle_seed()),
        seed_by=root.v_state.seed_by,
        created=root.v_timestamp,
    )


def explored_points(root: Root) -> list[tuple[str, PointColumn]]:
    """The coordinates: the name that each would like, and its values."""
    explored = root.explored
    everything = [leaf.v_full_name for leaf in leaves(root) if leaf.v_kind == "parameter"]
    names = coordinate_names(list(explored), everything)
    return [
        (name, encode_points(path, parameter.f_kept_range(), _attrs(parameter)))
        for name, (path, parameter) in zip(names, explored.items(), strict=True)
    ]


def shape_of(root: Root, names: Mapping[str, str], shape: Shape) -> tuple[Kind, Axes]:
    """Whether the points are a product, and its axes by coordinate name, given what is known of the first points.

    ``names`` are those of the coordinates by the paths of the parameters.
    """
    ranges = {names[path]: each.f_get_range(copy=False) for path, each in root.explored.items()}
    return _said(shape.of(ranges, lambda: dict(zip(ranges, _columns(root, explored_points(root)), strict=True))))


def first_shape(root: Root, points: Sequence[tuple[str, PointColumn]]) -> tuple[Kind, Axes]:
    """The same of points that have just been made coordinates."""
    return _said(is_product(dict(zip([name for name, _ in points], _columns(root, points), strict=True))))


def _columns(root: Root, points: Sequence[tuple[str, PointColumn]]) -> list[Any]:
    # Numbers are compared much faster, and positions tell which values are the same, also of those that do not compare.
    ranges = (each.f_get_range(copy=False) for each in root.explored.values())
    return [a if col.values.dtype == object else col.values for (_, col), a in zip(points, ranges, strict=True)]


def _said(axes: Axes | None) -> tuple[Kind, Axes]:
    return ("list", ()) if axes is None else ("product", axes)


def _attrs(parameter: BaseParameter) -> Mapping[str, Any]:
    value = parameter.f_items().get("")
    attrs = dict(value.labels.attrs) if isinstance(value, Labelled) else {}
    if parameter.v_comment:
        attrs["comment"] = parameter.v_comment
    return attrs


def leaves(root: Root) -> Iterator[Leaf]:
    """The leaves in memory, in the order they were added; runs of the store are not among them."""
    return (node for node in _nodes(root) if isinstance(node, Leaf))


def groups(root: Root) -> list[StaticGroup]:
    """The groups that have a comment, annotations or links; among them the root."""
    found = [root, *(node for node in _nodes(root) if isinstance(node, Group))]
    said = [
        StaticGroup(
            group.v_full_name,
            group.v_comment,
            group.f_notes(),
            {name: target.v_full_name for name, target in (group.v_linked or {}).items()},
        )
        for group in found
    ]
    return [group for group in said if any(group[1:])]


def _nodes(group: Group) -> Iterator[Node]:
    for name, node in group.v_nodes.items():
        if group.v_linked and name in group.v_linked:
            continue
        yield node
        if isinstance(node, Group):
            yield from _nodes(node)


def static_leaf(leaf: Leaf) -> StaticLeaf:
    """A leaf as the store keeps it."""
    return StaticLeaf(
        leaf.v_full_name,
        leaf.v_kind,
        leaf.v_class_name,
        leaf.v_comment,
        leaf.f_notes(),
        leaf.f_items(),
    )


def fetch(root: Root) -> None:
    """Have in memory what would else be fetched when it is looked at; runs are not shown any more."""
    for leaf in leaves(root):
        leaf.f_items()
    for parameter in root.explored.values():
        parameter.f_get_range()
    root.attach_runs(None)


def about_leaf(leaf: Leaf) -> StaticLeaf:
    """What a leaf says of itself, without its data."""
    annotations = leaf.f_notes()
    return StaticLeaf(leaf.v_full_name, leaf.v_kind, leaf.v_class_name, leaf.v_comment, annotations, {})


def mark_stored(root: Root) -> None:
    """Remember that the store has all leaves."""
    for leaf in leaves(root):
        put(leaf, "v_is_new", False)
        if isinstance(leaf, BaseParameter):
            leaf.f_lock()
