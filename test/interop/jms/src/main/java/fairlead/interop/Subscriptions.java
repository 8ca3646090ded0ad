package fairlead.interop;

import jakarta.jms.Connection;
import jakarta.jms.InvalidDestinationException;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Session;
import jakarta.jms.Topic;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Subscriptions that keep what their subscribers miss. */
final class Subscriptions {
  private Subscriptions() {}

  static void addTo(Map<String, Scenario> all) {
    all.put("durable", Subscriptions::durable);
    all.put("durable-roams", Subscriptions::roams);
    all.put("durable-selector", Subscriptions::selector);
    all.put("durable-changed", Subscriptions::changed);
    all.put("durable-no-local", Subscriptions::noLocal);
    all.put("durable-unacknowledged", Subscriptions::unacknowledged);
    all.put("durable-delay", Subscriptions::delay);
    all.put("durable-unsubscribe", Subscriptions::unsubscribe);
    all.put("durable-unsubscribe-active", Subscriptions::unsubscribeActive);
    all.put("shared-durable", Subscriptions::shared);
    all.put("shared-durable-team", Subscriptions::team);
    all.put("shared-durable-global", Subscriptions::sharedGlobal);
  }

  /** Makes the consumer of a subscription. */
  private interface Subscribe {
    MessageConsumer in(Session session) throws JMSException;
  }

  /** Makes a subscription where those of this run live, and leaves it. */
  private static void leave(Stage stage, String client, Subscribe subscribe) throws JMSException {
    Connection first = stage.origin(client);
    subscribe.in(of(first)).close();
    first.close();
  }

  private static Session of(Connection connection) throws JMSException {
    return connection.createSession(Session.AUTO_ACKNOWLEDGE);
  }

  private static void publish(Stage stage, Topic topic, String... texts) throws JMSException {
    Connection connection = stage.near();
    Session session = of(connection);
    Stage.send(session, session.createProducer(topic), texts);
    connection.close();
  }

  private static void publishNumbered(Stage stage, Topic topic, int count) throws JMSException {
    Session publishing = stage.session();
    var producer = publishing.createProducer(topic);
    for (int n = 0; n < count; n++) {
      var message = publishing.createTextMessage("m" + n);
      message.setIntProperty("n", n);
      producer.send(message);
    }
  }

  private static void durable(Stage stage) throws Exception {
    String client = stage.name("c");
    Topic topic = stage.topic(stage.session());
    leave(stage, client, session -> session.createDurableConsumer(topic, "inbox"));
    Connection before = stage.near(client);
    MessageConsumer first = of(before).createDurableConsumer(topic, "inbox");
    publish(stage, topic, "a");
    stage.report().equal("while it is there", "a", Stage.next(first));
    before.close();
    publish(stage, topic, "b", "c");
    Session again = of(stage.near(client));
    MessageConsumer second = again.createDurableConsumer(topic, "inbox");
    stage.report().equal("what it missed", List.of("b", "c"), Stage.next(second, 2));
    publish(stage, topic, "d");
    stage.report().equal("and what comes then", "d", Stage.next(second));
    second.close();
    publish(stage, topic, "e");
    MessageConsumer third = again.createDurableConsumer(topic, "inbox");
    stage.report().equal("a closed consumer leaves it", "e", Stage.next(third));
    third.close();
    again.unsubscribe("inbox");
  }

  private static void roams(Stage stage) throws Exception {
    String client = stage.name("c");
    Topic topic = stage.topic(stage.session());
    leave(stage, client, session -> session.createDurableConsumer(topic, "inbox"));
    publish(stage, topic, "a", "b");
    Connection elsewhere = stage.far(client);
    Session there = of(elsewhere);
    MessageConsumer consumer = there.createDurableConsumer(topic, "inbox");
    stage.report().equal("what it missed, at another place", List.of("a", "b"), Stage.next(consumer, 2));
    elsewhere.close();
    publish(stage, topic, "c");
    Session back = of(stage.near(client));
    MessageConsumer last = back.createDurableConsumer(topic, "inbox");
    stage.report().equal("and back", "c", Stage.next(last));
    stage.nothing("nothing twice", last);
    last.close();
    back.unsubscribe("inbox");
  }

  private static void selector(Stage stage) throws Exception {
    String client = stage.name("c");
    Topic topic = stage.topic(stage.session());
    leave(stage, client, session -> session.createDurableConsumer(topic, "inbox", "n = 2", false));
    publishNumbered(stage, topic, 4);
    Session again = of(stage.near(client));
    MessageConsumer consumer = again.createDurableConsumer(topic, "inbox", "n = 2", false);
    stage.report().equal("what it selects", "m2", Stage.next(consumer));
    stage.nothing("and no more", consumer);
    consumer.close();
    again.unsubscribe("inbox");
  }

  /** Another selector, or another topic, is another subscription: what the former one holds is gone. */
  private static void changed(Stage stage) throws Exception {
    String client = stage.name("c");
    Session naming = stage.session();
    Topic topic = stage.topic(naming);
    Topic other = stage.topic(naming);
    leave(stage, client, first -> first.createDurableConsumer(topic, "inbox", "n = 0", false));
    publishNumbered(stage, topic, 2);
    Session session = of(stage.near(client));
    MessageConsumer changed = session.createDurableConsumer(topic, "inbox", "n = 1", false);
    stage.nothing("nothing of before", changed);
    publishNumbered(stage, topic, 2);
    stage.report().equal("by the new selector", "m1", Stage.next(changed));
    changed.close();
    MessageConsumer moved = session.createDurableConsumer(other, "inbox");
    publish(stage, topic, "there");
    publish(stage, other, "here");
    stage.report().equal("by the new topic", "here", Stage.next(moved));
    moved.close();
    session.unsubscribe("inbox");
  }

  private static void noLocal(Stage stage) throws Exception {
    String client = stage.name("c");
    Topic topic = stage.topic(stage.session());
    leave(stage, client, session -> session.createDurableConsumer(topic, "inbox", null, true));
    Connection own = stage.near(client);
    Session session = of(own);
    MessageConsumer consumer = session.createDurableConsumer(topic, "inbox", null, true);
    Stage.send(session, session.createProducer(topic), "own");
    publish(stage, topic, "other's");
    stage.report().equal("only what others sent", "other's", Stage.next(consumer));
    consumer.close();
    session.unsubscribe("inbox");
  }

  private static void unacknowledged(Stage stage) throws Exception {
    String client = stage.name("c");
    Topic topic = stage.topic(stage.session());
    leave(stage, client, session -> session.createDurableConsumer(topic, "inbox"));
    publish(stage, topic, "a", "b");
    Connection before = stage.near(client);
    Session session = before.createSession(Session.CLIENT_ACKNOWLEDGE);
    MessageConsumer first = session.createDurableConsumer(topic, "inbox");
    Message a = first.receive(Stage.PATIENCE_MS);
    stage.report().equal("the first", "a", Stage.text(a));
    a.acknowledge();
    stage.report().equal("the second", "b", Stage.next(first));
    session.recover();
    Message again = first.receive(Stage.PATIENCE_MS);
    stage.report().equal("not acknowledged, it comes again", "b", Stage.text(again));
    stage.report().check("and says so", again != null && again.getJMSRedelivered(), "not marked");
    before.close();
    Session after = of(stage.near(client));
    MessageConsumer second = after.createDurableConsumer(topic, "inbox");
    stage.report().equal("also after its connection", "b", Stage.next(second));
    second.close();
    after.unsubscribe("inbox");
  }

  private static void delay(Stage stage) throws Exception {
    String client = stage.name("c");
    Topic topic = stage.topic(stage.session());
    leave(stage, client, session -> session.createDurableConsumer(topic, "inbox"));
    Session publishing = stage.session();
    var producer = publishing.createProducer(topic);
    producer.setDeliveryDelay(1_500);
    long sent = System.nanoTime();
    Stage.send(publishing, producer, "later");
    producer.setDeliveryDelay(0);
    Stage.send(publishing, producer, "now");
    Session session = of(stage.near(client));
    MessageConsumer consumer = session.createDurableConsumer(topic, "inbox");
    stage.report().equal("one without delay passes it", "now", Stage.next(consumer));
    stage.report().equal("then the delayed one", "later", Stage.next(consumer));
    long waitedMs = (System.nanoTime() - sent) / 1_000_000;
    stage.report().check("not before its time", waitedMs >= 1_500, waitedMs + " ms");
    consumer.close();
    session.unsubscribe("inbox");
  }

  private static void unsubscribe(Stage stage) throws Exception {
    String client = stage.name("c");
    Topic topic = stage.topic(stage.session());
    leave(stage, client, session -> session.createDurableConsumer(topic, "inbox"));
    publish(stage, topic, "a");
    Session session = of(stage.near(client));
    session.unsubscribe("inbox");
    publish(stage, topic, "b");
    MessageConsumer fresh = session.createDurableConsumer(topic, "inbox");
    stage.nothing("nothing is kept for it then", fresh);
    fresh.close();
    session.unsubscribe("inbox");
    try {
      session.unsubscribe("inbox");
      stage.report().check("one that is not there", false, "it was unsubscribed");
    } catch (InvalidDestinationException refused) {
      stage.report().check("one that is not there", true, refused.toString());
    }
  }

  private static void unsubscribeActive(Stage stage) throws Exception {
    String client = stage.name("c");
    Topic topic = stage.topic(stage.session());
    leave(stage, client, session -> session.createDurableConsumer(topic, "inbox"));
    Session session = of(stage.near(client));
    MessageConsumer consumer = session.createDurableConsumer(topic, "inbox");
    try {
      session.unsubscribe("inbox");
      stage.report().check("not while it is consumed", false, "it was unsubscribed");
    } catch (JMSException refused) {
      stage.report().check("not while it is consumed", true, refused.toString());
    }
    publish(stage, topic, "a");
    stage.report().equal("its consumer goes on", "a", Stage.next(consumer));
    consumer.close();
    session.unsubscribe("inbox");
  }

  private static void shared(Stage stage) throws Exception {
    String client = stage.name("c");
    Topic topic = stage.topic(stage.session());
    leave(stage, client, session -> session.createSharedDurableConsumer(topic, "team"));
    publish(stage, topic, "a", "b", "c", "d");
    Session again = of(stage.near(client));
    MessageConsumer consumer = again.createSharedDurableConsumer(topic, "team");
    stage.report().equal("what they missed", List.of("a", "b", "c", "d"), Stage.next(consumer, 4));
    try {
      of(stage.far()).unsubscribe("team");
      stage.report().check("of another client it is not found", false, "it was unsubscribed");
    } catch (InvalidDestinationException refused) {
      stage.report().check("of another client it is not found", true, refused.toString());
    }
    consumer.close();
    again.unsubscribe("team");
  }

  /** Several consumers at both places, each message once; who leaves does not end it for the others. */
  private static void team(Stage stage) throws Exception {
    String name = stage.name("team");
    Topic topic = stage.topic(stage.session());
    Connection first = stage.origin(null);
    of(first).createSharedDurableConsumer(topic, name).close();
    first.close();
    List<MessageConsumer> team = new ArrayList<>();
    Session near = of(stage.nearWith("&jms.prefetchPolicy.all=1"));
    team.add(near.createSharedDurableConsumer(topic, name));
    team.add(near.createSharedDurableConsumer(topic, name));
    team.add(of(stage.farWith("&jms.prefetchPolicy.all=1")).createSharedDurableConsumer(topic, name));
    publish(stage, topic, "a", "b", "c", "d", "e", "f");
    List<String> got = new ArrayList<>();
    for (int n = 0; n < 50 && got.size() < 6; n++) {
      for (MessageConsumer consumer : team) {
        Message message = consumer.receive(200);
        if (message != null) got.add(Stage.text(message));
      }
    }
    Collections.sort(got);
    stage.report().equal("each once, at one of them", List.of("a", "b", "c", "d", "e", "f"), got);
    team.remove(0).close();
    publish(stage, topic, "g");
    String last = null;
    for (int n = 0; n < 50 && last == null; n++) {
      for (MessageConsumer consumer : team) {
        Message message = consumer.receive(200);
        if (message != null) last = Stage.text(message);
      }
    }
    stage.report().equal("the others go on", "g", last);
    for (MessageConsumer consumer : team) consumer.close();
    near.unsubscribe(name);
  }

  private static void sharedGlobal(Stage stage) throws Exception {
    String name = stage.name("team");
    Topic topic = stage.topic(stage.session());
    leave(stage, null, session -> session.createSharedDurableConsumer(topic, name));
    publish(stage, topic, "a", "b");
    // Without a client id a subscription belongs to all clients, at whatever place.
    Session there = of(stage.far());
    MessageConsumer consumer = there.createSharedDurableConsumer(topic, name);
    stage.report().equal("what they missed, at another place", List.of("a", "b"), Stage.next(consumer, 2));
    consumer.close();
    there.unsubscribe(name);
  }
}
