package fairlead.interop;

import jakarta.jms.BytesMessage;
import jakarta.jms.CompletionListener;
import jakarta.jms.Connection;
import jakarta.jms.DeliveryMode;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;

/** Sending to queues and receiving from them. */
final class Queues {
  private static final int LARGE_BYTES = 2 * 1024 * 1024;

  private Queues() {}

  static void addTo(Map<String, Scenario> all) {
    all.put("queue", Queues::sendAndReceive);
    all.put("queue-keeps", Queues::keeps);
    all.put("queue-far", Queues::far);
    all.put("non-persistent", Queues::nonPersistent);
    all.put("anonymous-producer", Queues::anonymousProducer);
    all.put("listener", Queues::listener);
    all.put("completion", Queues::completion);
    all.put("large-message", Queues::large);
    all.put("competing", Queues::competing);
    all.put("groups", Queues::groups);
  }

  private static String[] numbered(int count) {
    return IntStream.range(0, count).mapToObj(n -> "m" + n).toArray(String[]::new);
  }

  private static void sendAndReceive(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    MessageConsumer consumer = session.createConsumer(queue);
    MessageProducer producer = session.createProducer(queue);
    Stage.send(session, producer, numbered(20));
    Message first = consumer.receive(Stage.PATIENCE_MS);
    stage.report().equal("the first", "m0", Stage.text(first));
    stage.report().check("has an id", first.getJMSMessageID().startsWith("ID:"), first.getJMSMessageID());
    stage.report().equal("names its destination", queue, first.getJMSDestination());
    stage.report().equal("is persistent", DeliveryMode.PERSISTENT, first.getJMSDeliveryMode());
    stage.report().equal("is no redelivered one", false, first.getJMSRedelivered());
    stage.report().equal("is delivered once", 1, first.getIntProperty("JMSXDeliveryCount"));
    List<String> rest = Stage.next(consumer, 19);
    stage.report().equal("the others in order", Arrays.asList(numbered(20)).subList(1, 20), rest);
    stage.nothing("nothing else", consumer);
  }

  private static void keeps(Stage stage) throws Exception {
    Connection before = stage.near();
    Session session = before.createSession(Session.AUTO_ACKNOWLEDGE);
    Queue queue = stage.queue(session);
    Stage.send(session, session.createProducer(queue), numbered(10));
    before.close();
    Session later = stage.session();
    stage.report().equal("kept in order", Arrays.asList(numbered(10)), Stage.next(later.createConsumer(queue), 10));
  }

  private static void far(Stage stage) throws Exception {
    Session here = stage.session();
    Session there = stage.far().createSession(Session.AUTO_ACKNOWLEDGE);
    Queue queue = stage.queue(here);
    MessageConsumer consumer = there.createConsumer(queue);
    Stage.send(here, here.createProducer(queue), numbered(50));
    stage.report().equal("from near to far", Arrays.asList(numbered(50)), Stage.next(consumer, 50));
    consumer.close();
    Stage.send(there, there.createProducer(queue), numbered(50));
    stage.report().equal("from far to near", Arrays.asList(numbered(50)), Stage.next(here.createConsumer(queue), 50));
  }

  private static void nonPersistent(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    MessageProducer producer = session.createProducer(queue);
    producer.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
    Stage.send(session, producer, numbered(10));
    MessageConsumer consumer = session.createConsumer(queue);
    Message first = consumer.receive(Stage.PATIENCE_MS);
    stage.report().equal("says so", DeliveryMode.NON_PERSISTENT, first.getJMSDeliveryMode());
    stage.report().equal("all in order", Arrays.asList(numbered(10)).subList(1, 10), Stage.next(consumer, 9));
  }

  private static void anonymousProducer(Stage stage) throws Exception {
    Session session = stage.session();
    MessageProducer producer = session.createProducer(null);
    Queue one = stage.queue(session);
    Queue other = stage.queue(session);
    for (String text : numbered(5)) {
      producer.send(one, session.createTextMessage("one " + text));
      producer.send(other, session.createTextMessage("other " + text));
    }
    List<String> got = Stage.next(session.createConsumer(one), 5);
    stage.report().equal("the one", List.of("one m0", "one m1", "one m2", "one m3", "one m4"), got);
    stage.report().equal("the other", 5, Stage.next(session.createConsumer(other), 5).size());
  }

  private static void listener(Stage stage) throws Exception {
    Session receiving = stage.session();
    Queue queue = stage.queue(receiving);
    List<String> got = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch all = new CountDownLatch(50);
    receiving.createConsumer(queue).setMessageListener(message -> {
      try {
        got.add(Stage.text(message));
      } catch (Exception broken) {
        got.add(broken.toString());
      }
      all.countDown();
    });
    Session sending = stage.session();
    Stage.send(sending, sending.createProducer(queue), numbered(50));
    stage.report().check("all come", all.await(Stage.PATIENCE_MS, TimeUnit.MILLISECONDS), "waiting for " + all);
    stage.report().equal("in order", Arrays.asList(numbered(50)), List.copyOf(got));
  }

  private static void completion(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    MessageProducer producer = session.createProducer(queue);
    CountDownLatch all = new CountDownLatch(100);
    AtomicReference<Exception> failed = new AtomicReference<>();
    for (String text : numbered(100)) {
      producer.send(session.createTextMessage(text), new CompletionListener() {
        @Override
        public void onCompletion(Message message) {
          all.countDown();
        }

        @Override
        public void onException(Message message, Exception exception) {
          failed.set(exception);
        }
      });
    }
    stage.report().check("each is told", all.await(Stage.PATIENCE_MS, TimeUnit.MILLISECONDS), all + " " + failed);
    stage.report().equal("all are there", 100, Stage.next(session.createConsumer(queue), 100).size());
  }

  private static void large(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    byte[] sent = new byte[LARGE_BYTES];
    new Random(1).nextBytes(sent);
    BytesMessage message = session.createBytesMessage();
    message.writeBytes(sent);
    MessageProducer producer = session.createProducer(queue);
    Stage.send(session, producer, "before");
    producer.send(message);
    Stage.send(session, producer, "after");
    MessageConsumer consumer = session.createConsumer(queue);
    stage.report().equal("a small one before it", "before", Stage.next(consumer));
    BytesMessage got = (BytesMessage) consumer.receive(Stage.PATIENCE_MS);
    byte[] body = new byte[(int) got.getBodyLength()];
    got.readBytes(body);
    stage.report().check("is the same", Arrays.equals(sent, body), body.length + " bytes");
    stage.report().equal("a small one behind it", "after", Stage.next(consumer));
  }

  private static void competing(Stage stage) throws Exception {
    String one = "&jms.prefetchPolicy.all=1";
    Session sending = stage.session();
    Queue queue = stage.queue(sending);
    Session near = stage.nearWith(one).createSession(Session.AUTO_ACKNOWLEDGE);
    Session far = stage.farWith(one).createSession(Session.AUTO_ACKNOWLEDGE);
    Map<String, List<String>> got = new HashMap<>();
    CountDownLatch all = new CountDownLatch(60);
    for (Map.Entry<String, Session> each : Map.of("near", near, "far", far).entrySet()) {
      List<String> texts = Collections.synchronizedList(new ArrayList<>());
      got.put(each.getKey(), texts);
      each.getValue().createConsumer(queue).setMessageListener(message -> {
        try {
          texts.add(Stage.text(message));
          TimeUnit.MILLISECONDS.sleep(5); // work: a consumer that is busy leaves the next message to the other
        } catch (Exception broken) {
          texts.add(broken.toString());
        }
        all.countDown();
      });
    }
    Stage.send(sending, sending.createProducer(queue), numbered(60));
    stage.report().check("all come", all.await(Stage.PATIENCE_MS, TimeUnit.MILLISECONDS), "waiting for " + all);
    Set<String> distinct = new TreeSet<>(got.get("near"));
    distinct.addAll(got.get("far"));
    stage.report().equal("each once", 60, got.get("near").size() + got.get("far").size());
    stage.report().equal("all of them", 60, distinct.size());
    String shares = got.get("near").size() + " near, " + got.get("far").size() + " far";
    stage.report().check("both have some", got.values().stream().allMatch(texts -> texts.size() >= 5), shares);
  }

  private static void groups(Stage stage) throws Exception {
    Session sending = stage.session();
    Queue queue = stage.queue(sending);
    Session near = stage.nearWith("&jms.prefetchPolicy.all=1").createSession(Session.AUTO_ACKNOWLEDGE);
    Session far = stage.farWith("&jms.prefetchPolicy.all=1").createSession(Session.AUTO_ACKNOWLEDGE);
    Map<String, Set<String>> consumersOf = Collections.synchronizedMap(new HashMap<>());
    CountDownLatch all = new CountDownLatch(40);
    for (Map.Entry<String, Session> each : Map.of("near", near, "far", far).entrySet()) {
      each.getValue().createConsumer(queue).setMessageListener(message -> {
        try {
          String group = message.getStringProperty("JMSXGroupID");
          consumersOf.computeIfAbsent(group, key -> Collections.synchronizedSet(new TreeSet<>())).add(each.getKey());
        } catch (Exception broken) {
          consumersOf.put(broken.toString(), Set.of("near", "far"));
        }
        all.countDown();
      });
    }
    MessageProducer producer = sending.createProducer(queue);
    for (int n = 0; n < 40; n++) {
      Message message = sending.createTextMessage("m" + n);
      message.setStringProperty("JMSXGroupID", "g" + n % 4);
      producer.send(message);
    }
    stage.report().check("all come", all.await(Stage.PATIENCE_MS, TimeUnit.MILLISECONDS), "waiting for " + all);
    stage.report().equal("four groups", 4, consumersOf.size());
    boolean sticks = consumersOf.values().stream().allMatch(consumers -> consumers.size() == 1);
    stage.report().check("each at one consumer", sticks, consumersOf.toString());
  }
}
