"""One handler per link, as proton's reactor clients have them; what happens is told as an event."""

import proton._handlers
from proton import Condition, Delivery, Endpoint, Message, Terminus, symbol
from proton.handlers import MessagingHandler

import messages
import values

STATES = {
    "accepted": Delivery.ACCEPTED, "rejected": Delivery.REJECTED, "released": Delivery.RELEASED,
    "modified": Delivery.MODIFIED,
}
STATE_NAMES = {code: name for name, code in STATES.items()}


def _receive(delivery):
    """As proton's own, but the bytes stay with the message: they are what is compared."""
    payload = delivery.link.recv(delivery.pending)
    delivery.link.advance()
    message = Message()
    message.decode(payload)
    message.payload = payload
    return message


proton._handlers.recv_msg = _receive


def describe_condition(condition):
    if condition is None:
        return None
    info = {str(key): values.encode(value) for key, value in (condition.info or {}).items()}
    return {"condition": condition.name, "description": condition.description, "info": info}


class LinkEnd(MessagingHandler):
    """What senders and receivers share. `opening` is the command that waits for the peer's answer."""

    def __init__(self, driver, opening, **options):
        super().__init__(**options)
        self.driver = driver
        self.name = opening["link"]
        self.opening = opening
        self.link = None

    def tell(self, event, **more):
        self.driver.tell(event, link=self.name, **more)

    def on_link_opened(self, event):
        link = event.link
        remote = link.remote_target if link.is_sender else link.remote_source
        if remote.type == Terminus.UNSPECIFIED:
            return  # refused: the peer's detach says why
        told = {"address": remote.address, "snd": link.remote_snd_settle_mode, "rcv": link.remote_rcv_settle_mode}
        if self.opening is None:
            self.tell("link-reopened", **told)
            return
        self.driver.answer(self.opening, **told)
        self.opening = None

    def _ended(self, event):
        error = describe_condition(event.link.remote_condition)
        if self.opening is not None:
            self.driver.refuse(self.opening, error)
            self.opening = None
        else:
            self.tell("link-closed", error=error)

    def on_link_error(self, event):
        self._ended(event)

    def on_link_closing(self, event):
        self._ended(event)

    def on_link_closed(self, event):
        self._ended(event)

    def on_link_remote_detach(self, event):
        self._ended(event)
        event.link.detach()


class SenderEnd(LinkEnd):
    def __init__(self, driver, opening):
        super().__init__(driver, opening, prefetch=0)
        self.waiting = []
        self.refs = {}

    def send(self, command):
        self.waiting.append(command)
        self.pump()

    def pump(self):
        """Sends what credit allows, never more: proton would queue it."""
        while self.waiting and self.link.credit > 0 and self.link.state & Endpoint.REMOTE_ACTIVE:
            self._send(self.waiting.pop(0))

    def _send(self, command):
        payload = messages.payload_of(command)
        tag = self.link.delivery_tag()
        delivery = self.link.delivery(tag)
        self.link.stream(payload)
        if command.get("settled"):
            delivery.settle()
        else:
            self.refs[tag] = command["ref"]
        self.link.advance()
        told = messages.describe_payload(payload) if "message" in command else {}
        self.tell("sent", ref=command["ref"], credit=self.link.credit, **told)

    def on_sendable(self, event):
        self.tell("credit", credit=event.link.credit)
        self.pump()

    def _outcome(self, event):
        delivery = event.delivery
        ref = self.refs.pop(delivery.tag, None)
        if ref is None:
            return
        remote = delivery.remote
        self.tell(
            "outcome", ref=ref, state=STATE_NAMES.get(delivery.remote_state), settled=delivery.settled,
            error=describe_condition(remote.condition), failed=remote.failed, undeliverable=remote.undeliverable,
            annotations=values.encode(remote.annotations),
        )
        if not delivery.settled:
            delivery.settle()  # a receiver in mode second waits for this

    def on_accepted(self, event):
        self._outcome(event)

    def on_rejected(self, event):
        self._outcome(event)

    def on_released(self, event):
        self._outcome(event)

    def on_settled(self, event):
        self._outcome(event)


class ReceiverEnd(LinkEnd):
    def __init__(self, driver, opening):
        self.auto_accept = opening.get("autoAccept", False)
        super().__init__(driver, opening, prefetch=opening.get("prefetch", 0), auto_accept=self.auto_accept)
        self.describe = opening.get("describe", False)
        self.deliveries = {}
        self.count = 0
        self.draining = False

    def on_message(self, event):
        delivery, message = event.delivery, event.message
        self.count += 1
        settled = delivery.settled
        if not self.auto_accept:
            if settled:
                delivery.settle()
            else:
                self.deliveries[self.count] = delivery
        told = {"message": messages.describe(message)} if self.describe else {}
        self.tell("message", delivery=self.count, settled=settled, **messages.describe_payload(message.payload), **told)
        self.check_drained()

    def settle(self, command):
        """Answers a delivery; with `settle` false it stays until the sender settles it (mode second)."""
        number, state = command["delivery"], command["state"]
        delivery = self.deliveries[number]
        local = delivery.local
        if "error" in command:
            error = command["error"]
            info = {symbol(key): values.decode(value) for key, value in error.get("info", {}).items()}
            local.condition = Condition(error["condition"], error.get("description"), info or None)
        local.failed = command.get("failed", False)
        local.undeliverable = command.get("undeliverable", False)
        if "annotations" in command:
            local.annotations = values.decode(command["annotations"])
        delivery.update(STATES[state])
        if command.get("settle", True):
            del self.deliveries[number]
            delivery.settle()

    def on_settled(self, event):
        """The sender has settled what was answered without settling."""
        for number, delivery in list(self.deliveries.items()):
            if delivery == event.delivery:
                del self.deliveries[number]
                self.tell("settled", delivery=number)
                delivery.settle()

    def drain(self, credit):
        self.draining = True
        self.link.drain(credit)
        self.check_drained()

    def on_link_flow(self, event):
        self.check_drained()

    def check_drained(self):
        # What came before the end of the drain is told before it.
        if self.draining and not self.link.draining() and self.link.queued == 0:
            self.draining = False
            self.tell("drained", unused=self.link.drained(), credit=self.link.credit)
