"""A proton reactor client that is told what to do by JSON lines on stdin and tells what happens by JSON lines on stdout.

A command is {"id": 1, "op": "sender", ...}; its answer {"answer": 1, ...} or {"answer": 1, "error": {...}}; an event
{"event": "message", "link": "r1", ...}. The operations are the methods `do_...` of Driver.
"""

import json
import sys
import threading
import traceback

from proton import UNDESCRIBED, Array, Data, Described, Terminus, symbol
from proton.handlers import MessagingHandler
from proton.reactor import ApplicationEvent, Container, EventInjector, LinkOption

import links

# Proton's own reconnect, with short delays: a node that restarts is back within seconds.
RECONNECT_SECONDS = [0] + [0.1] * 1200
# Once it was told that the connection is closed proton reads no more, and sees only by its own heart-beat that the socket is gone.
HEARTBEAT_SECONDS = 4


class Options(LinkOption):
    """Terminus and settle modes of a link, as a command tells them."""

    def __init__(self, command):
        self.command = command

    def apply(self, link):
        command = self.command
        link.snd_settle_mode = command["snd"]
        link.rcv_settle_mode = command["rcv"]
        terminus = link.target if link.is_sender else link.source
        if command.get("dynamic"):
            terminus.dynamic = True
        if command.get("capabilities"):
            names = [symbol(name) for name in command["capabilities"]]
            terminus.capabilities.put_object(Array(UNDESCRIBED, Data.SYMBOL, *names))
        if command.get("browse"):
            terminus.distribution_mode = Terminus.DIST_MODE_COPY
        if command.get("durable"):
            terminus.durability = Terminus.DELIVERIES
            terminus.expiry_policy = Terminus.EXPIRE_NEVER
        filters = {}
        if "selector" in command:
            name = symbol("apache.org:selector-filter:string")
            filters[name] = Described(name, command["selector"])
        if command.get("noLocal"):
            name = symbol("apache.org:no-local-filter:list")
            filters[name] = Described(name, [])
        if filters:
            terminus.filter.put_object(filters)


class ConnectionEnd(MessagingHandler):
    def __init__(self, driver, opening):
        super().__init__(prefetch=0)
        self.driver = driver
        self.name = opening["connection"]
        self.opening = opening
        self.connection = None

    def tell(self, event, **more):
        self.driver.tell(event, connection=self.name, **more)

    def on_connection_opened(self, event):
        if self.opening is None:
            self.tell("reconnected")
            return
        self.driver.answer(self.opening, container=event.connection.remote_container)
        self.opening = None

    def on_disconnected(self, event):
        error = links.describe_condition(event.connection.remote_condition)
        self.tell("disconnected", error=error)
        for end in self.driver.links.values():
            if end.opening is not None and end.opening["connection"] == self.name:
                self.driver.refuse(end.opening, error)
                end.opening = None

    def on_connection_error(self, event):
        self.tell("connection-closed", error=links.describe_condition(event.connection.remote_condition))

    def on_connection_closed(self, event):
        self.tell("connection-closed", error=None)

    def on_session_error(self, event):
        self.tell("session-closed", error=links.describe_condition(event.session.remote_condition))

    def on_transport_error(self, event):
        self.tell("transport-error", error=links.describe_condition(event.transport.condition))


class Driver(MessagingHandler):
    def __init__(self):
        super().__init__(prefetch=0)
        self.connections = {}
        self.links = {}
        self.container = None
        self.injector = EventInjector()

    def write(self, line):
        sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
        sys.stdout.flush()

    def tell(self, event, **more):
        self.write({"event": event, **more})

    def answer(self, command, **more):
        self.write({"answer": command["id"], **more})

    def refuse(self, command, error):
        self.write({"answer": command["id"], "error": error or {"condition": "", "description": "closed", "info": {}}})

    def on_start(self, event):
        self.container = event.container
        self.container.selectable(self.injector)
        threading.Thread(target=self._read, daemon=True).start()
        self.tell("ready")

    def _read(self):
        for line in sys.stdin:
            self.injector.trigger(ApplicationEvent("command", subject=json.loads(line)))
        self.injector.trigger(ApplicationEvent("command", subject={"id": 0, "op": "stop"}))

    def on_command(self, event):
        command = event.subject
        try:
            getattr(self, "do_" + command["op"])(command)
        except Exception:
            self.write({"answer": command["id"], "fault": traceback.format_exc()})

    def do_connect(self, command):
        end = ConnectionEnd(self, command)
        self.connections[end.name] = end
        self.container.container_id = command["container"]
        how = {"reconnect": RECONNECT_SECONDS, "heartbeat": HEARTBEAT_SECONDS} if command["reconnect"] else {"reconnect": False}
        end.connection = self.container.connect(command["url"], handler=end, **how)

    def _connection(self, command):
        return self.connections[command["connection"]].connection

    def do_sender(self, command):
        end = self.links[command["link"]] = links.SenderEnd(self, command)
        end.link = self.container.create_sender(
            self._connection(command), command.get("address"), name=command["name"], handler=end, options=Options(command)
        )

    def do_receiver(self, command):
        end = self.links[command["link"]] = links.ReceiverEnd(self, command)
        end.link = self.container.create_receiver(
            self._connection(command), command.get("address"), name=command["name"], handler=end, options=Options(command)
        )

    def do_send(self, command):
        self.links[command["link"]].send(command)

    def do_settle(self, command):
        self.links[command["link"]].settle(command)

    def do_flow(self, command):
        self.links[command["link"]].link.flow(command["credit"])

    def do_drain(self, command):
        self.links[command["link"]].drain(command["credit"])

    def do_close_link(self, command):
        self.links[command["link"]].link.close()

    def do_detach_link(self, command):
        self.links[command["link"]].link.detach()

    def do_close(self, command):
        self._connection(command).close()

    def do_stop(self, command):
        for end in self.connections.values():
            end.connection.close()
        self.injector.close()
        self.container.stop()


Container(Driver()).run()
