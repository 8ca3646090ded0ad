package fairlead.interop;

import jakarta.jms.Connection;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import java.util.List;
import java.util.Map;

/** What is acknowledged is gone, what is not comes again and says so. */
final class Acknowledgement {
  private Acknowledgement() {}

  static void addTo(Map<String, Scenario> all) {
    all.put("ack-auto", stage -> consumed(stage, Session.AUTO_ACKNOWLEDGE));
    all.put("ack-dups-ok", stage -> consumed(stage, Session.DUPS_OK_ACKNOWLEDGE));
    all.put("ack-client", Acknowledgement::client);
    all.put("ack-none", Acknowledgement::none);
    all.put("recover", Acknowledgement::recover);
  }

  private static Queue filled(Stage stage, String... texts) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    Stage.send(session, session.createProducer(queue), texts);
    return queue;
  }

  /** What a new client finds. */
  private static List<String> left(Stage stage, Queue queue, int count) throws Exception {
    MessageConsumer consumer = stage.session().createConsumer(queue);
    List<String> left = Stage.next(consumer, count);
    stage.nothing("no more is left", consumer);
    consumer.close();
    return left;
  }

  private static void consumed(Stage stage, int mode) throws Exception {
    Queue queue = filled(stage, "a", "b", "c");
    Connection connection = stage.near();
    MessageConsumer consumer = connection.createSession(mode).createConsumer(queue);
    stage.report().equal("two come", List.of("a", "b"), Stage.next(consumer, 2));
    connection.close();
    stage.report().equal("the third is left", List.of("c"), left(stage, queue, 1));
  }

  private static void client(Stage stage) throws Exception {
    Queue queue = filled(stage, "a", "b", "c", "d");
    Connection connection = stage.near();
    MessageConsumer consumer = connection.createSession(Session.CLIENT_ACKNOWLEDGE).createConsumer(queue);
    Stage.next(consumer);
    consumer.receive(Stage.PATIENCE_MS).acknowledge();
    stage.report().equal("a third, not acknowledged", "c", Stage.next(consumer));
    connection.close();
    stage.report().equal("the last two are left, in order", List.of("c", "d"), left(stage, queue, 2));
  }

  private static void none(Stage stage) throws Exception {
    Queue queue = filled(stage, "a", "b");
    Connection connection = stage.near();
    MessageConsumer consumer = connection.createSession(Session.CLIENT_ACKNOWLEDGE).createConsumer(queue);
    stage.report().equal("both come", List.of("a", "b"), Stage.next(consumer, 2));
    connection.close();
    stage.report().equal("both are left, in order", List.of("a", "b"), left(stage, queue, 2));
  }

  private static void recover(Stage stage) throws Exception {
    Queue queue = filled(stage, "a", "b");
    Session session = stage.session(Session.CLIENT_ACKNOWLEDGE);
    MessageConsumer consumer = session.createConsumer(queue);
    stage.report().equal("both come", List.of("a", "b"), Stage.next(consumer, 2));
    session.recover();
    Message again = consumer.receive(Stage.PATIENCE_MS);
    stage.report().equal("the first again", "a", Stage.text(again));
    stage.report().equal("redelivered", true, again.getJMSRedelivered());
    stage.report().equal("delivered twice", 2, again.getIntProperty("JMSXDeliveryCount"));
    Message second = consumer.receive(Stage.PATIENCE_MS);
    stage.report().equal("the second again", "b", Stage.text(second));
    session.recover();
    Message third = consumer.receive(Stage.PATIENCE_MS);
    stage.report().equal("delivered three times", 3, third.getIntProperty("JMSXDeliveryCount"));
    consumer.receive(Stage.PATIENCE_MS).acknowledge();
    session.close();
    stage.report().equal("nothing is left", List.of(), left(stage, queue, 0));
  }
}
