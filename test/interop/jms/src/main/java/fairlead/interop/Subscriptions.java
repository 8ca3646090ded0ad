package fairlead.interop;

import jakarta.jms.Connection;
import jakarta.jms.InvalidDestinationException;
import jakarta.jms.JMSException;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Session;
import jakarta.jms.Topic;
import java.util.List;
import java.util.Map;

/** Subscriptions that keep what their subscribers miss. */
final class Subscriptions {
  private Subscriptions() {}

  static void addTo(Map<String, Scenario> all) {
    all.put("durable", Subscriptions::durable);
    all.put("durable-roams", Subscriptions::roams);
    all.put("durable-selector", Subscriptions::selector);
    all.put("durable-no-local", Subscriptions::noLocal);
    all.put("durable-unsubscribe", Subscriptions::unsubscribe);
    all.put("shared-durable", Subscriptions::shared);
    all.put("shared-durable-global", Subscriptions::sharedGlobal);
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

  private static void durable(Stage stage) throws Exception {
    String client = stage.name("c");
    Connection before = stage.near(client);
    Session session = of(before);
    Topic topic = stage.topic(session);
    MessageConsumer first = session.createDurableConsumer(topic, "inbox");
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
    again.unsubscribe("inbox");
  }

  private static void roams(Stage stage) throws Exception {
    String client = stage.name("c");
    Connection before = stage.near(client);
    Session session = of(before);
    Topic topic = stage.topic(session);
    session.createDurableConsumer(topic, "inbox");
    before.close();
    publish(stage, topic, "a", "b");
    Session there = of(stage.far(client));
    MessageConsumer consumer = there.createDurableConsumer(topic, "inbox");
    stage.report().equal("what it missed, at another place", List.of("a", "b"), Stage.next(consumer, 2));
    consumer.close();
    there.unsubscribe("inbox");
  }

  private static void selector(Stage stage) throws Exception {
    String client = stage.name("c");
    Connection before = stage.near(client);
    Session session = of(before);
    Topic topic = stage.topic(session);
    session.createDurableConsumer(topic, "inbox", "n = 2", false);
    before.close();
    Session publishing = stage.session();
    var producer = publishing.createProducer(topic);
    for (int n = 0; n < 4; n++) {
      var message = publishing.createTextMessage("m" + n);
      message.setIntProperty("n", n);
      producer.send(message);
    }
    Session again = of(stage.near(client));
    MessageConsumer consumer = again.createDurableConsumer(topic, "inbox", "n = 2", false);
    stage.report().equal("what it selects", "m2", Stage.next(consumer));
    stage.nothing("and no more", consumer);
    consumer.close();
    again.unsubscribe("inbox");
  }

  private static void noLocal(Stage stage) throws Exception {
    Connection own = stage.near(stage.name("c"));
    Session session = of(own);
    Topic topic = stage.topic(session);
    MessageConsumer consumer = session.createDurableConsumer(topic, "inbox", null, true);
    Stage.send(session, session.createProducer(topic), "own");
    publish(stage, topic, "other's");
    stage.report().equal("only what others sent", "other's", Stage.next(consumer));
    consumer.close();
    session.unsubscribe("inbox");
  }

  private static void unsubscribe(Stage stage) throws Exception {
    String client = stage.name("c");
    Session session = of(stage.near(client));
    Topic topic = stage.topic(session);
    MessageConsumer consumer = session.createDurableConsumer(topic, "inbox");
    try {
      session.unsubscribe("inbox");
      stage.report().check("not while it is consumed", false, "it was unsubscribed");
    } catch (JMSException refused) {
      stage.report().check("not while it is consumed", true, refused.toString());
    }
    consumer.close();
    session.unsubscribe("inbox");
    publish(stage, topic, "a");
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

  private static void shared(Stage stage) throws Exception {
    String client = stage.name("c");
    Connection before = stage.near(client);
    Session session = of(before);
    Topic topic = stage.topic(session);
    session.createSharedDurableConsumer(topic, "team");
    before.close();
    publish(stage, topic, "a", "b", "c", "d");
    Session again = of(stage.near(client));
    MessageConsumer consumer = again.createSharedDurableConsumer(topic, "team");
    stage.report().equal("what they missed", List.of("a", "b", "c", "d"), Stage.next(consumer, 4));
    consumer.close();
    again.unsubscribe("team");
  }

  private static void sharedGlobal(Stage stage) throws Exception {
    String name = stage.name("team");
    Connection before = stage.near();
    Session session = of(before);
    Topic topic = stage.topic(session);
    session.createSharedDurableConsumer(topic, name);
    before.close();
    publish(stage, topic, "a", "b");
    // Without a client id a subscription belongs to all clients, at whatever place.
    Session there = of(stage.far());
    MessageConsumer consumer = there.createSharedDurableConsumer(topic, name);
    stage.report().equal("what they missed, at another place", List.of("a", "b"), Stage.next(consumer, 2));
    consumer.close();
    there.unsubscribe(name);
  }
}
