package fairlead.interop;

import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.QueueBrowser;
import jakarta.jms.Session;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;

/** Selectors and browsers. */
final class Selection {
  private Selection() {}

  static void addTo(Map<String, Scenario> all) {
    all.put("selectors", Selection::selectors);
    all.put("selector-grammar", Selection::grammar);
    all.put("selector-errors", Selection::errors);
    all.put("browser", Selection::browser);
    all.put("browser-selector", Selection::browserWithSelector);
  }

  private static void fill(Session session, Queue queue) throws JMSException {
    MessageProducer producer = session.createProducer(queue);
    String[] colours = {"red", "green", "blue", "red", null, "red"};
    for (int n = 0; n < colours.length; n++) {
      Message message = session.createTextMessage("m" + n);
      if (colours[n] != null) message.setStringProperty("colour", colours[n]);
      message.setIntProperty("size", n);
      message.setDoubleProperty("weight", n / 2.0);
      message.setBooleanProperty("odd", n % 2 == 1);
      message.setJMSType("type" + n);
      message.setJMSCorrelationID("c" + n);
      producer.setPriority(4);
      producer.send(message);
    }
  }

  private static void selectors(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    fill(session, queue);
    MessageConsumer red = session.createConsumer(queue, "colour = 'red' AND size > 0");
    stage.report().equal("what it selects", List.of("m3", "m5"), Stage.next(red, 2));
    stage.nothing("and no more", red);
    red.close();
    MessageConsumer rest = session.createConsumer(queue);
    stage.report().equal("the rest is left, in order", List.of("m0", "m1", "m2", "m4"), Stage.next(rest, 4));
    rest.close();
    MessageConsumer waiting = session.createConsumer(queue, "colour = 'green'");
    fill(session, queue);
    stage.report().equal("what comes later", List.of("m1"), Stage.next(waiting, 1));
  }

  private static void grammar(Stage stage) throws Exception {
    Map<String, List<String>> expected = Map.ofEntries(
        Map.entry("colour IN ('green', 'blue')", List.of("m1", "m2")),
        Map.entry("colour NOT IN ('green', 'blue')", List.of("m0", "m3", "m5")),
        Map.entry("colour LIKE 'r_d'", List.of("m0", "m3", "m5")),
        Map.entry("colour IS NULL", List.of("m4")),
        Map.entry("size BETWEEN 2 AND 3", List.of("m2", "m3")),
        Map.entry("weight * 2 + 1 = 3 OR size = 5", List.of("m2", "m5")),
        Map.entry("odd", List.of("m1", "m3", "m5")),
        Map.entry("NOT odd AND colour <> 'red'", List.of("m2")),
        Map.entry("JMSType = 'type4'", List.of("m4")),
        Map.entry("JMSCorrelationID = 'c2'", List.of("m2")),
        Map.entry("JMSPriority = 4 AND size = 1", List.of("m1")),
        Map.entry("JMSDeliveryMode = 'PERSISTENT' AND size < 2", List.of("m0", "m1")),
        Map.entry("missing > 3 OR size = 0", List.of("m0")));
    Session session = stage.session();
    Queue queue = stage.queue(session);
    fill(session, queue);
    for (Map.Entry<String, List<String>> each : expected.entrySet()) {
      stage.report().equal(each.getKey(), each.getValue(), browsed(session.createBrowser(queue, each.getKey())));
    }
  }

  private static void errors(Stage stage) throws Exception {
    // The client would find the mistake itself: the place it connects to is to say so.
    Connection connection = stage.nearWith("&jms.validateSelector=false");
    Session session = connection.createSession(Session.AUTO_ACKNOWLEDGE);
    Queue queue = stage.queue(session);
    for (String selector : List.of("colour = ", "AND 3", "colour LIKE 5", "size BETWEEN 1")) {
      try {
        session.createConsumer(queue, selector).close();
        stage.report().check("refused: " + selector, false, "it was taken");
      } catch (JMSException refused) {
        boolean named = refused.getMessage().contains("amqp:invalid-field");
        stage.report().check("refused: " + selector, named, refused.toString());
      }
    }
    Stage.send(session, session.createProducer(queue), "fine");
    stage.report().equal("the session goes on", "fine", Stage.next(session.createConsumer(queue)));
  }

  private static List<String> browsed(QueueBrowser browser) throws JMSException {
    List<String> texts = new ArrayList<>();
    for (Enumeration<?> each = browser.getEnumeration(); each.hasMoreElements();) {
      texts.add(Stage.text((Message) each.nextElement()));
    }
    browser.close();
    return texts;
  }

  private static void browser(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    stage.report().equal("nothing yet", List.of(), browsed(session.createBrowser(queue)));
    fill(session, queue);
    List<String> all = List.of("m0", "m1", "m2", "m3", "m4", "m5");
    stage.report().equal("sees all", all, browsed(session.createBrowser(queue)));
    stage.report().equal("and again", all, browsed(session.createBrowser(queue)));
    MessageConsumer consumer = session.createConsumer(queue);
    stage.report().equal("takes nothing away", all, Stage.next(consumer, 6));
  }

  private static void browserWithSelector(Stage stage) throws Exception {
    Session session = stage.session();
    Queue queue = stage.queue(session);
    fill(session, queue);
    stage.report().equal("sees what it selects", List.of("m1", "m3", "m5"), browsed(session.createBrowser(queue, "odd")));
    stage.report().equal("takes nothing away", 6, Stage.next(session.createConsumer(queue), 6).size());
  }
}
