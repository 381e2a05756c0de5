"""The policy: what Breakwater may do, where, and how loudly. Without a document the defaults here apply everywhere.

Unknown keys are refused: in a document of ours a key that nobody reads is a typing error. Only who reads a document
imports this module, since pydantic costs a third of a cold start; the functions take values such as `AlertPolicy`.
"""

from pydantic import BaseModel, ConfigDict, Field

from breakwater.model import Mode
from breakwater.policies import AlertPolicy


class PolicyPart(BaseModel):
    """A part of the policy document. We own its shape, so what it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Alerts(PolicyPart):
    """How loud incidents are; the meaning of each field is that of `breakwater.policies.AlertPolicy`."""

    enabled: bool = True
    quiet_minutes: int = Field(30, ge=5, le=1440)
    growth_factor: int = Field(10, ge=2, le=1000)
    remind_minutes: int = Field(60, ge=5, le=1440)
    log_tail: bool = True
    log_lines: int = Field(20, ge=1, le=50)


class Defaults(PolicyPart):
    """What applies to every service that the policy does not name: alerts on, everything else observes."""

    mode: Mode = Mode.OBSERVE
    alerts: Alerts = Alerts()


class Policy(PolicyPart):
    """The whole document."""

    defaults: Defaults = Defaults()

    def alerts(self) -> AlertPolicy:
        """How loud incidents are, as the decisions take it."""
        alerts = self.defaults.alerts
        return AlertPolicy(
            mode=Mode.ACT if alerts.enabled else Mode.OFF,
            quiet_minutes=alerts.quiet_minutes,
            growth_factor=alerts.growth_factor,
            remind_minutes=alerts.remind_minutes,
            log_tail=alerts.log_tail,
            log_lines=alerts.log_lines,
        )
