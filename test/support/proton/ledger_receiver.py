"""A receiver that tells each message of a ledger in a line: sender, number, digest, redelivered.

usage: ledger_receiver.py URL ADDRESS CREDIT NAME
Lines that begin with `!` tell of the link: `!open`, `!cut WHY`. It ends when its standard input does.
"""
import hashlib
import sys
import threading

from proton.handlers import MessagingHandler
from proton.reactor import ApplicationEvent, Container, EventInjector


class Receiver(MessagingHandler):
    def __init__(self, url, address, credit, name, injector):
        super().__init__(prefetch=credit, auto_accept=True)
        self.url, self.address, self.name, self.injector = url, address, name, injector
        self.connection = None

    def on_start(self, event):
        event.container.container_id = self.name
        event.container.selectable(self.injector)
        self.connection = event.container.connect(self.url, reconnect=False, allowed_mechs="ANONYMOUS")
        event.container.create_receiver(self.connection, self.address)

    def on_link_opened(self, event):
        tell("!open")

    def on_message(self, event):
        body = event.message.body
        payload = body.tobytes() if isinstance(body, memoryview) else bytes(body)
        sender, seq = (payload.split(b"\n", 2) + [b"", b""])[:2]
        digest = hashlib.sha256(payload).hexdigest()[:16]
        again = event.message.delivery_count > 0
        tell("%s %s %s %d" % (sender.decode("latin1"), seq.decode("latin1"), digest, again))

    def on_link_error(self, event):
        self.cut(event, str(event.link.remote_condition))

    def on_connection_error(self, event):
        self.cut(event, str(event.connection.remote_condition))

    def on_transport_error(self, event):
        self.cut(event, str(event.transport.condition))

    def on_disconnected(self, event):
        self.cut(event, "disconnected")

    def cut(self, event, why):
        tell("!cut " + why)
        event.container.stop()

    def on_done(self, event):
        self.injector.close()
        self.connection.close()


def tell(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main():
    url, address, credit, name = sys.argv[1:]
    injector = EventInjector()

    def wait_for_end():
        sys.stdin.read()
        injector.trigger(ApplicationEvent("done"))

    threading.Thread(target=wait_for_end, daemon=True).start()
    Container(Receiver(url, address, int(credit), name, injector)).run()


main()
