package fairlead.interop;

import jakarta.jms.Connection;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Session;
import jakarta.jms.Topic;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Subscribers that get what is published while they are there. */
final class Topics {
  private Topics() {}

  static void addTo(Map<String, Scenario> all) {
    all.put("topic", Topics::topic);
    all.put("topic-selector", Topics::selector);
    all.put("no-local", Topics::noLocal);
    all.put("topic-delay", Topics::delay);
    all.put("shared", Topics::shared);
  }

  private static void topic(Stage stage) throws Exception {
    Session publishing = stage.session();
    Topic topic = stage.topic(publishing);
    MessageConsumer near = stage.session().createConsumer(topic);
    MessageConsumer far = stage.far().createSession(Session.AUTO_ACKNOWLEDGE).createConsumer(topic);
    Stage.send(publishing, publishing.createProducer(topic), "a", "b", "c");
    stage.report().equal("near", List.of("a", "b", "c"), Stage.next(near, 3));
    stage.report().equal("far", List.of("a", "b", "c"), Stage.next(far, 3));
    MessageConsumer late = stage.session().createConsumer(topic);
    stage.nothing("nothing for who comes late", late);
  }

  private static void selector(Stage stage) throws Exception {
    Session session = stage.session();
    Topic topic = stage.topic(session);
    MessageConsumer some = session.createConsumer(topic, "n > 1");
    MessageConsumer all = session.createConsumer(topic);
    var producer = session.createProducer(topic);
    for (int n = 0; n < 4; n++) {
      var message = session.createTextMessage("m" + n);
      message.setIntProperty("n", n);
      producer.send(message);
    }
    stage.report().equal("what it selects", List.of("m2", "m3"), Stage.next(some, 2));
    stage.report().equal("all", 4, Stage.next(all, 4).size());
  }

  private static void noLocal(Stage stage) throws Exception {
    Connection own = stage.near(stage.name("c"));
    Session session = own.createSession(Session.AUTO_ACKNOWLEDGE);
    Topic topic = stage.topic(session);
    MessageConsumer others = session.createConsumer(topic, null, true);
    MessageConsumer all = session.createConsumer(topic);
    Stage.send(session, session.createProducer(topic), "own");
    stage.report().equal("a plain one gets its own", "own", Stage.next(all));
    Session other = stage.near(stage.name("c")).createSession(Session.AUTO_ACKNOWLEDGE);
    Stage.send(other, other.createProducer(topic), "other's");
    stage.report().equal("only what others sent", "other's", Stage.next(others));
  }

  private static void delay(Stage stage) throws Exception {
    Session publishing = stage.session();
    Topic topic = stage.topic(publishing);
    List<MessageConsumer> all = List.of(
        stage.session().createConsumer(topic),
        stage.far().createSession(Session.AUTO_ACKNOWLEDGE).createConsumer(topic),
        stage.session().createSharedConsumer(topic, stage.name("s")));
    var producer = publishing.createProducer(topic);
    producer.setDeliveryDelay(1_500);
    long sent = System.nanoTime();
    Stage.send(publishing, producer, "later");
    producer.setDeliveryDelay(0);
    Stage.send(publishing, producer, "now");
    for (MessageConsumer consumer : all) stage.report().equal("one without delay passes it", "now", Stage.next(consumer));
    for (MessageConsumer consumer : all) stage.report().equal("then the delayed one", "later", Stage.next(consumer));
    long waitedMs = (System.nanoTime() - sent) / 1_000_000;
    stage.report().check("not before its time", waitedMs >= 1_500, waitedMs + " ms");
  }

  private static void shared(Stage stage) throws Exception {
    Session publishing = stage.session();
    Topic topic = stage.topic(publishing);
    String name = stage.name("s");
    String one = "&jms.prefetchPolicy.all=1";
    MessageConsumer first = stage.nearWith(one).createSession(Session.AUTO_ACKNOWLEDGE).createSharedConsumer(topic, name);
    MessageConsumer second = stage.nearWith(one).createSession(Session.AUTO_ACKNOWLEDGE).createSharedConsumer(topic, name);
    MessageConsumer plain = stage.session().createConsumer(topic);
    Stage.send(publishing, publishing.createProducer(topic), "a", "b", "c", "d");
    stage.report().equal("a plain subscriber gets all", 4, Stage.next(plain, 4).size());
    List<String> got = new ArrayList<>();
    // Whoever's credit comes to the node first gets the next one: it may be one or three of the four.
    for (int n = 0; n < 50 && got.size() < 4; n++) {
      for (MessageConsumer consumer : List.of(first, second)) {
        Message message = consumer.receive(200);
        if (message != null) got.add(Stage.text(message));
      }
    }
    for (MessageConsumer consumer : List.of(first, second)) stage.nothing("no more than all", consumer);
    Collections.sort(got);
    stage.report().equal("each once, at one of them", List.of("a", "b", "c", "d"), got);
  }
}
