"""A consumer of a queue whose deliveries the queue settles last (mode second). It dials again for ever.

usage: queue_receiver.py HOST:PORT ADDRESS CREDIT NAME
Says one line for each thing that happens: `open`, `cut WHY`, `message SENDER NUMBER DIGEST REDELIVERED`, and once the queue has settled it
`settled SENDER NUMBER ACCEPTED`. It ends when its standard input does.
"""
import hashlib
import os
import sys
import threading

from proton import Delivery, Link
from proton.handlers import MessagingHandler
from proton.reactor import Container, LinkOption

REDIAL_SECONDS = 0.1


class Second(LinkOption):
    def apply(self, link):
        link.rcv_settle_mode = Link.RCV_SECOND


class Receiver(MessagingHandler):
    def __init__(self, url, address, credit, name):
        super().__init__(prefetch=credit, auto_accept=False)
        self.url, self.address, self.name = url, address, name
        self.connection = None

    def on_start(self, event):
        event.container.container_id = self.name
        self.dial(event.container)

    def on_timer_task(self, event):
        self.dial(event.container)

    def dial(self, container):
        self.unsettled = {}
        self.connection = container.connect(self.url, reconnect=False, allowed_mechs="ANONYMOUS")
        container.create_receiver(self.connection, self.address, options=Second())

    def on_link_opened(self, event):
        if event.connection == self.connection:
            tell("open")

    def on_message(self, event):
        if event.connection != self.connection:
            return
        body = event.message.body
        payload = body.tobytes() if isinstance(body, memoryview) else bytes(body)
        sender, seq = (payload.split(b"\n", 2) + [b"", b""])[:2]
        number = "%s %s" % (sender.decode("latin1"), seq.decode("latin1"))
        digest = hashlib.sha256(payload).hexdigest()[:16]
        tell("message %s %s %d" % (number, digest, event.message.delivery_count > 0))
        self.unsettled[event.delivery.tag] = number
        event.delivery.update(Delivery.ACCEPTED)

    def on_settled(self, event):
        number = self.unsettled.pop(event.delivery.tag, None)
        if number is not None and event.connection == self.connection:
            tell("settled %s %d" % (number, event.delivery.remote_state in (0, Delivery.ACCEPTED)))
        event.delivery.settle()

    def on_link_closed(self, event):
        self.cut(event, "closed")

    def on_link_error(self, event):
        self.cut(event, event.link.remote_condition.name)

    def on_connection_error(self, event):
        self.cut(event, event.connection.remote_condition.name)

    def on_transport_error(self, event):
        self.cut(event, "disconnected")

    def on_disconnected(self, event):
        self.cut(event, "disconnected")

    def cut(self, event, why):
        # A transport whose connection was closed meanwhile has none, and neither has this until it dials again.
        if self.connection is None or event.connection != self.connection:
            return
        tell("cut " + why)
        self.connection.close()
        self.connection = None
        event.container.schedule(REDIAL_SECONDS, self)


def tell(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def main():
    url, address, credit, name = sys.argv[1:]
    threading.Thread(target=end_with_input, daemon=True).start()
    Container(Receiver(url, address, int(credit), name)).run()


main()
