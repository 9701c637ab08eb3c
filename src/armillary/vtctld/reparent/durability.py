"""Who must acknowledge a commit, by the keyspace's durability policy. Pure.

Source: Vitess durability policies; Appendix of `CreateKeyspace -durability-policy`.
"""

from dataclasses import dataclass

from armillary.model.tablet import TabletAlias, TabletType


@dataclass(frozen=True, slots=True)
class Durability:
    policy: str = "none"

    @property
    def primary_semi_sync(self) -> bool:
        """Whether the primary waits for acknowledgements at all."""
        return self.policy not in ("", "none")

    def acknowledges(
        self, primary: TabletAlias, tablet: TabletAlias, tablet_type: TabletType
    ) -> bool:
        """Whether a tablet's acknowledgement counts for this primary."""
        if not self.primary_semi_sync or tablet == primary:
            return False
        if self.policy.startswith("cross_cell") and tablet.cell == primary.cell:
            return False
        types = [TabletType.REPLICA, TabletType.PRIMARY]
        if self.policy.endswith("_with_rdonly_ack"):
            types.append(TabletType.RDONLY)
        return tablet_type in types
