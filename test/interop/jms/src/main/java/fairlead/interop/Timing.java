package fairlead.interop;

import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** When messages come, and in which order. */
final class Timing {
  private Timing() {}

  static void addTo(Map<String, Scenario> all) {
    all.put("priority", Timing::priority);
    all.put("ttl", Timing::timeToLive);
    all.put("delay", Timing::delay);
  }

  private static void priority(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    MessageProducer producer = session.createProducer(queue);
    for (int priority : new int[] {4, 0, 9, 4, 7, 9}) {
      producer.setPriority(priority);
      Stage.send(session, producer, "p" + priority);
    }
    MessageConsumer consumer = session.createConsumer(queue);
    List<String> got = Stage.next(consumer, 6);
    stage.report().equal("the most urgent first", List.of("p9", "p9", "p7", "p4", "p4", "p0"), got);
  }

  private static void timeToLive(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    MessageProducer producer = session.createProducer(queue);
    producer.setTimeToLive(300);
    Stage.send(session, producer, "short-lived", "short-lived too");
    producer.setTimeToLive(0);
    Stage.send(session, producer, "lasting");
    TimeUnit.MILLISECONDS.sleep(600); // the time is what is tested
    MessageConsumer consumer = session.createConsumer(queue);
    stage.report().equal("only what lasts", "lasting", Stage.next(consumer));
    stage.nothing("nothing else", consumer);
  }

  private static void delay(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    MessageConsumer consumer = session.createConsumer(queue);
    MessageProducer producer = session.createProducer(queue);
    producer.setDeliveryDelay(800);
    Message delayed = session.createTextMessage("delayed");
    long before = System.currentTimeMillis();
    producer.send(delayed);
    producer.setDeliveryDelay(0);
    Stage.send(session, producer, "at once");
    List<String> order = new ArrayList<>();
    order.add(Stage.next(consumer));
    Message second = consumer.receive(Stage.PATIENCE_MS);
    long after = System.currentTimeMillis();
    order.add(Stage.text(second));
    stage.report().equal("what waits comes later", List.of("at once", "delayed"), order);
    stage.report().check("not before its time", after - before >= 790, (after - before) + " ms");
    stage.report().equal("says its time", delayed.getJMSDeliveryTime(), second.getJMSDeliveryTime());
  }
}
