package fairlead.interop;

import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.Topic;
import java.util.List;
import java.util.Map;

/** Transacted sessions: all of it, or nothing. */
final class Transactions {
  private Transactions() {}

  static void addTo(Map<String, Scenario> all) {
    all.put("tx-send-commit", Transactions::sendCommit);
    all.put("tx-send-rollback", Transactions::sendRollback);
    all.put("tx-send-two-queues", Transactions::sendToTwo);
    all.put("tx-send-topic", Transactions::sendToTopic);
    all.put("tx-receive-commit", Transactions::receiveCommit);
    all.put("tx-receive-rollback", Transactions::receiveRollback);
    all.put("tx-both", Transactions::both);
    all.put("tx-closed", Transactions::closed);
    all.put("tx-many", Transactions::many);
    all.put("tx-receive-far", Transactions::receiveFar);
  }

  private static Session transacted(Stage stage) throws JMSException {
    return stage.near().createSession(Session.SESSION_TRANSACTED);
  }

  private static void sendCommit(Stage stage) throws Exception {
    Session session = transacted(stage);
    Queue queue = stage.queue(session);
    MessageConsumer consumer = stage.session().createConsumer(queue);
    Stage.send(session, session.createProducer(queue), "a", "b");
    stage.nothing("nothing before the commit", consumer);
    session.commit();
    stage.report().equal("all after it", List.of("a", "b"), Stage.next(consumer, 2));
  }

  private static void sendRollback(Stage stage) throws Exception {
    Session session = transacted(stage);
    Queue queue = stage.queue(session);
    MessageConsumer consumer = stage.session().createConsumer(queue);
    MessageProducer producer = session.createProducer(queue);
    Stage.send(session, producer, "a", "b");
    session.rollback();
    Stage.send(session, producer, "c");
    session.commit();
    stage.report().equal("only what was committed", "c", Stage.next(consumer));
    stage.nothing("and no more", consumer);
  }

  private static void sendToTwo(Stage stage) throws Exception {
    Session session = transacted(stage);
    Queue one = stage.queue(session);
    Queue other = stage.queue(session);
    Session receiving = stage.session();
    MessageConsumer first = receiving.createConsumer(one);
    MessageConsumer second = receiving.createConsumer(other);
    Stage.send(session, session.createProducer(one), "one");
    Stage.send(session, session.createProducer(other), "other");
    stage.nothing("nothing before the commit", first);
    session.commit();
    stage.report().equal("the one", "one", Stage.next(first));
    stage.report().equal("the other", "other", Stage.next(second));
  }

  private static void sendToTopic(Stage stage) throws Exception {
    Session session = transacted(stage);
    Topic topic = stage.topic(session);
    MessageConsumer consumer = stage.session().createConsumer(topic);
    MessageProducer producer = session.createProducer(topic);
    Stage.send(session, producer, "a");
    session.rollback();
    Stage.send(session, producer, "b");
    stage.nothing("nothing before the commit", consumer);
    session.commit();
    stage.report().equal("only what was committed", "b", Stage.next(consumer));
  }

  private static Queue filled(Stage stage, String... texts) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    Stage.send(session, session.createProducer(queue), texts);
    return queue;
  }

  private static void receiveCommit(Stage stage) throws Exception {
    Queue queue = filled(stage, "a", "b", "c");
    Session session = transacted(stage);
    MessageConsumer consumer = session.createConsumer(queue);
    stage.report().equal("two come", List.of("a", "b"), Stage.next(consumer, 2));
    session.commit();
    session.close();
    MessageConsumer later = stage.session().createConsumer(queue);
    stage.report().equal("the third is left", "c", Stage.next(later));
    stage.nothing("and no more", later);
  }

  private static void receiveRollback(Stage stage) throws Exception {
    Queue queue = filled(stage, "a", "b");
    Session session = transacted(stage);
    MessageConsumer consumer = session.createConsumer(queue);
    stage.report().equal("both come", List.of("a", "b"), Stage.next(consumer, 2));
    session.rollback();
    Message again = consumer.receive(Stage.PATIENCE_MS);
    stage.report().equal("the first again", "a", Stage.text(again));
    stage.report().equal("redelivered", true, again.getJMSRedelivered());
    stage.report().equal("delivered twice", 2, again.getIntProperty("JMSXDeliveryCount"));
    stage.report().equal("the second again", "b", Stage.next(consumer));
    session.commit();
    session.close();
    stage.nothing("nothing is left", stage.session().createConsumer(queue));
  }

  private static void both(Stage stage) throws Exception {
    Queue in = filled(stage, "a", "b");
    Session session = transacted(stage);
    Queue out = stage.queue(session);
    MessageConsumer consumer = session.createConsumer(in);
    MessageProducer producer = session.createProducer(out);
    MessageConsumer results = stage.session().createConsumer(out);
    Stage.send(session, producer, "result of " + Stage.next(consumer));
    session.rollback();
    stage.nothing("no result of what was rolled back", results);
    for (int n = 0; n < 2; n++) {
      Stage.send(session, producer, "result of " + Stage.next(consumer));
      session.commit();
    }
    stage.report().equal("results", List.of("result of a", "result of b"), Stage.next(results, 2));
    session.close();
    stage.nothing("nothing is left", stage.session().createConsumer(in));
  }

  private static void closed(Stage stage) throws Exception {
    Queue queue = filled(stage, "a");
    Connection connection = stage.near();
    Session session = connection.createSession(Session.SESSION_TRANSACTED);
    stage.report().equal("it comes", "a", Stage.next(session.createConsumer(queue)));
    Stage.send(session, session.createProducer(queue), "never");
    connection.close();
    MessageConsumer later = stage.session().createConsumer(queue);
    stage.report().equal("it is left", "a", Stage.next(later));
    stage.nothing("what was not committed never was", later);
  }

  private static void many(Stage stage) throws Exception {
    Session session = transacted(stage);
    Queue queue = stage.queue(session);
    MessageProducer producer = session.createProducer(queue);
    for (int n = 0; n < 1_000; n++) Stage.send(session, producer, "m" + n);
    session.commit();
    MessageConsumer consumer = session.createConsumer(queue);
    List<String> got = Stage.next(consumer, 1_000);
    session.commit();
    stage.report().equal("all come", 1_000, got.size());
    stage.report().equal("the last is last", "m999", got.get(got.size() - 1));
    stage.nothing("and no more", consumer);
  }

  /** Of a queue at another site: what is received cannot be part of a transaction. It says so, and nothing is lost. */
  private static void receiveFar(Stage stage) throws Exception {
    Queue queue = filled(stage, "a");
    Session session = transacted(stage);
    stage.report().equal("it comes", "a", Stage.next(session.createConsumer(queue)));
    String told = "committed";
    try {
      session.commit();
    } catch (JMSException refused) {
      told = refused.getMessage();
    }
    stage.report().equal("it says why", true, told.contains("rolled back") && told.contains("at another node"));
    session.close();
    stage.report().equal("and left", "a", Stage.next(stage.session().createConsumer(queue)));
  }
}
